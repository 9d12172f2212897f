/** The small edition, for every `npm test`. */
import { describeRounds } from './rounds.ts'

describeRounds(2)
