/** The long edition: `npm run test:drain`. */
import { describeRounds } from './rounds.ts'

describeRounds(20)
