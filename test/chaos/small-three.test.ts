/** The short run with three gateways, part of `npm test`: their clocks run faster. */
import { expect, it } from 'vitest'
import { describeWithPostgres } from '../kit/postgres.ts'
import { printFaultScenario, printMaintenance } from './report.ts'
import { chosenSeed } from './seed.ts'
import { runThree } from './three-gateways.ts'

const seed = chosenSeed()
const ORPHANS = 3

describeWithPostgres(`short chaos run, three gateways, HEADGATE_CHAOS_SEED=${seed}`, () => {
  it(
    'loses no upload while gateways and their database are killed',
    { timeout: 90_000 },
    async () => {
      const { faults, maintenance } = await runThree({
        seed,
        uploads: 16,
        pace: 10,
        encodeMs: 300,
        overMs: 3500,
        faultsPerSecond: 6,
        kills: 2,
        killsDuringCreate: 0,
        databaseKills: 1,
        maxDelayMs: 500,
        agreeWithinMs: 20_000,
        watched: 4,
        orphans: ORPHANS,
        withinMs: 10_000,
      })
      printFaultScenario(faults)
      printMaintenance(maintenance)
      expect(faults.losses).toEqual([])
      expect(maintenance).toMatchObject({
        orphans: { created: ORPHANS, remaining: 0 },
        deletions: ORPHANS,
      })
      // One round in three lists; without sharing, each round would.
      expect(maintenance.lists).toBeLessThan(maintenance.rounds / 2)
    },
  )
})
