/** The small edition with three gateways, for every `npm test`: their clocks run faster. */
import { expect, it } from 'vitest'
import { describeWithPostgres } from '../kit/postgres.ts'
import { printStorm, printUpkeep } from './report.ts'
import { chosenSeed } from './seed.ts'
import { runThree } from './three-gateways.ts'

const seed = chosenSeed()
const ORPHANS = 3

describeWithPostgres(`a little chaos at three gateways with HEADGATE_CHAOS_SEED=${seed}`, () => {
  it(
    'loses nothing while gateways and their database are killed',
    { timeout: 90_000 },
    async () => {
      const { storm, upkeep } = await runThree({
        seed,
        uploads: 16,
        pace: 10,
        encodeMs: 300,
        overMs: 3500,
        faultsPerSecond: 6,
        kills: 2,
        aimedKills: 0,
        databaseKills: 1,
        longestDelayMs: 500,
        restWithinMs: 20_000,
        watched: 4,
        orphans: ORPHANS,
        withinMs: 10_000,
      })
      printStorm(storm)
      printUpkeep(upkeep)
      expect(storm.losses).toEqual([])
      expect(upkeep).toMatchObject({ orphans: { made: ORPHANS, left: 0 }, deletions: ORPHANS })
      // One in three rounds asks; were nothing shared, each would.
      expect(upkeep.lists).toBeLessThan(upkeep.rounds / 2)
    },
  )
})
