/** The long run with three gateways: part of `npm run test:chaos`, with the same variables. */
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { describeWithPostgres } from '../kit/postgres.ts'
import { measureDetectionDelays } from './lost-webhooks.ts'
import { printDetectionDelays, printFaultScenario, printMaintenance } from './report.ts'
import { chosenSeed, wholeNumberFrom } from './seed.ts'
import { startSetup } from './setup.ts'
import { GATEWAYS, runThree } from './three-gateways.ts'

const seed = chosenSeed()
const uploads = wholeNumberFrom('HEADGATE_CHAOS_UPLOADS') ?? 200
const ORPHANS = 8
const advanceTime = (): Promise<void> => pause(500)

describeWithPostgres(`chaos at three gateways with HEADGATE_CHAOS_SEED=${seed}`, () => {
  it('loses no upload while Stream fails and gateways and their database are killed', async () => {
    const { faults, maintenance } = await runThree({
      seed,
      uploads,
      pace: 1,
      encodeMs: 1500,
      overMs: 40_000,
      faultsPerSecond: 6,
      kills: 8,
      killsDuringCreate: 2,
      databaseKills: 3,
      maxDelayMs: 2000,
      agreeWithinMs: 90_000,
      watched: 20,
      orphans: ORPHANS,
      withinMs: 60_000,
    })
    printFaultScenario(faults)
    printMaintenance(maintenance)
    expect(faults.losses).toEqual([])
    expect(faults.kills).toBe(8 + 2 * GATEWAYS)
    expect(maintenance).toMatchObject({
      orphans: { created: ORPHANS, remaining: 0 },
      deletions: ORPHANS,
    })
    // One round in three lists; without sharing, each round would.
    expect(maintenance.lists).toBeLessThan(maintenance.rounds / 2)
  })

  it('reports READY without webhooks: within 3 s at any gateway, within a minute if unwatched', async () => {
    const timeoutMs = 120_000
    const setup = await startSetup({
      encodeMs: 2000,
      pace: 1,
      timeoutMs,
      gatewayCount: GATEWAYS,
    })
    try {
      const { emulator, admin, adminAt: watcherAt } = setup
      const options = { emulator, client: admin, watcherAt, uploads: 12, advanceTime }
      const delays = await measureDetectionDelays(options)
      printDetectionDelays(delays)
      expect(delays.watchedMs).toBeLessThan(3000)
      expect(delays.unwatchedMs).toBeLessThan(60_000)
      expect(setup.unexpectedErrors).toEqual([])
    } finally {
      await setup.end()
    }
  })
})
