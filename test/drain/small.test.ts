/** The short run, part of `npm test`. */
import { describeRounds } from './rounds.ts'

describeRounds(2)
