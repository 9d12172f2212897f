/** So many rounds of one build: the same test for the small edition and for the long one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Build, build } from '../kit/command.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { drained } from './expect-drained.ts'
import { printRounds } from './report.ts'
import { type Round, runRound } from './round.ts'

/** What one round may take at most, in milliseconds, and the first of them. */
const ROUND_MS = 15_000
const FIRST_MS = 30_000

export function describeRounds(count: number): void {
  let built: Build
  beforeAll(async () => {
    built = await build()
  }, 60_000)
  afterAll(() => built.remove())

  describe('a gateway that is asked to end', { timeout: FIRST_MS + count * ROUND_MS }, () => {
    it(`answers all that is under way and leaves nothing behind, ${count} times`, async () => {
      const emulator = await startTestEmulator()
      const rounds: Round[] = []
      for (let number = 1; number <= count; number += 1) {
        rounds.push(await runRound(built, emulator, number))
      }
      printRounds(rounds)
      expect(rounds).toEqual(rounds.map(() => drained))
    })
  })
}
