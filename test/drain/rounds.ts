/** The drain test, with the number of rounds as a parameter: few in `npm test`, many in the long run. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Build, build } from '../kit/command.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { drained } from './expect-drained.ts'
import { printRounds } from './report.ts'
import { type Round, runRound } from './round.ts'

/** Timeouts of one round and of the first round, in milliseconds. */
const ROUND_TIMEOUT_MS = 15_000
const FIRST_ROUND_TIMEOUT_MS = 30_000

export function describeRounds(count: number): void {
  let built: Build
  beforeAll(async () => {
    built = await build()
  }, 60_000)
  afterAll(() => built.remove())

  describe(
    'a gateway that receives SIGTERM',
    { timeout: FIRST_ROUND_TIMEOUT_MS + count * ROUND_TIMEOUT_MS },
    () => {
      it(`completes running operations and leaves nothing open, ${count} times`, async () => {
        const emulator = await startTestEmulator()
        const rounds: Round[] = []
        for (let number = 1; number <= count; number += 1) {
          rounds.push(await runRound(built, emulator, number))
        }
        printRounds(rounds)
        expect(rounds).toEqual(rounds.map(() => drained))
      })
    },
  )
}
