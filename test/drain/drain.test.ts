/** The long edition: `npm run test:drain`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Build, build } from '../kit/command.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { drained } from './drained.ts'
import { printRounds } from './report.ts'
import { type Round, runRound } from './round.ts'

const ROUNDS = 20

let built: Build
beforeAll(async () => {
  built = await build()
}, 60_000)
afterAll(() => built.remove())

describe('a gateway that is asked to end', { timeout: 300_000 }, () => {
  it(`answers all that is under way and leaves nothing behind, ${ROUNDS} times`, async () => {
    const emulator = await startTestEmulator()
    const rounds: Round[] = []
    for (let number = 1; number <= ROUNDS; number += 1) {
      rounds.push(await runRound(built, emulator, number))
    }
    printRounds(rounds)
    expect(rounds).toEqual(rounds.map(() => drained))
  })
})
