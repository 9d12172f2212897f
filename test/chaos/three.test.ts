/** The long edition with three gateways: part of `npm run test:chaos`, with the same variables. */
import { expect, it } from 'vitest'
import { describeWithPostgres } from '../kit/postgres.ts'
import { printStorm, printUpkeep } from './report.ts'
import { chosenSeed, wholeNumberFrom } from './seed.ts'
import { runThree } from './three-gateways.ts'

const seed = chosenSeed()
const uploads = wholeNumberFrom('HEADGATE_CHAOS_UPLOADS') ?? 200
const ORPHANS = 8

describeWithPostgres(`chaos at three gateways with HEADGATE_CHAOS_SEED=${seed}`, () => {
  it('loses nothing while Stream fails and gateways and their database are killed', async () => {
    const { storm, upkeep } = await runThree({
      seed,
      uploads,
      pace: 1,
      encodeMs: 1500,
      overMs: 30_000,
      faultsPerSecond: 8,
      kills: 8,
      aimedKills: 3,
      databaseKills: 3,
      longestDelayMs: 2000,
      restWithinMs: 90_000,
      watched: 20,
      orphans: ORPHANS,
      withinMs: 60_000,
    })
    printStorm(storm)
    printUpkeep(upkeep)
    expect(storm.losses).toEqual([])
    expect(storm.kills).toBe(8 + 3 * 3)
    expect(upkeep).toMatchObject({ orphans: { made: ORPHANS, left: 0 }, deletions: ORPHANS })
    // One in three rounds asks; were nothing shared, each would.
    expect(upkeep.lists).toBeLessThan(upkeep.rounds / 2)
  })
})
