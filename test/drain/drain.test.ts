/** The long run: `npm run test:drain`. */
import { describeRounds } from './rounds.ts'

describeRounds(20)
