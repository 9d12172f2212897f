/** The long edition with three gateways: part of `npm run test:chaos`, with the same variables. */
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { describeWithPostgres } from '../kit/postgres.ts'
import { measureLateness } from './lost-webhooks.ts'
import { printLateness, printStorm, printUpkeep } from './report.ts'
import { chosenSeed, wholeNumberFrom } from './seed.ts'
import { setSetup } from './setup.ts'
import { GATEWAYS, runThree } from './three-gateways.ts'

const seed = chosenSeed()
const uploads = wholeNumberFrom('HEADGATE_CHAOS_UPLOADS') ?? 200
const ORPHANS = 8
const letTimePass = (): Promise<void> => pause(500)

describeWithPostgres(`chaos at three gateways with HEADGATE_CHAOS_SEED=${seed}`, () => {
  it('loses nothing while Stream fails and gateways and their database are killed', async () => {
    const { storm, upkeep } = await runThree({
      seed,
      uploads,
      pace: 1,
      encodeMs: 1500,
      overMs: 40_000,
      faultsPerSecond: 6,
      kills: 8,
      aimedKills: 2,
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
    expect(storm.kills).toBe(8 + 2 * GATEWAYS)
    expect(upkeep).toMatchObject({ orphans: { made: ORPHANS, left: 0 }, deletions: ORPHANS })
    // One in three rounds asks; were nothing shared, each would.
    expect(upkeep.lists).toBeLessThan(upkeep.rounds / 2)
  })

  it('shows READY in 3 s to whoever watches at any gateway, in a minute to nobody', async () => {
    const backoffMs = 120_000
    const setup = await setSetup({
      encodeMs: 2000,
      pace: 1,
      patienceMs: backoffMs,
      gatewayCount: GATEWAYS,
    })
    try {
      const { emulator, admin, adminAt: watcherAt } = setup
      const options = { emulator, line: admin, watcherAt, uploads: 12, letTimePass }
      const lateness = await measureLateness(options)
      printLateness(lateness)
      expect(lateness.watchedMs).toBeLessThan(3000)
      expect(lateness.unwatchedMs).toBeLessThan(60_000)
      expect(setup.surprises).toEqual([])
    } finally {
      await setup.end()
    }
  })
})
