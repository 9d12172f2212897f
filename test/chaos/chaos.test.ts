/** The long edition: `npm run test:chaos`. HEADGATE_CHAOS_UPLOADS and HEADGATE_CHAOS_SEED choose. */
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { sendForgedWebhooks } from './forged-webhooks.ts'
import { measureLateness } from './lost-webhooks.ts'
import { RESERVED_SECONDS, raceWithOneKey } from './one-key.ts'
import { printForged, printLateness, printOneKey, printStorm } from './report.ts'
import { chosenSeed, wholeNumberFrom } from './seed.ts'
import { setSetup } from './setup.ts'
import { runStorm } from './fault-scenario.ts'

const seed = chosenSeed()
const uploads = wholeNumberFrom('HEADGATE_CHAOS_UPLOADS') ?? 300
const CALLERS = 50
const letTimePass = (): Promise<void> => pause(500)

describe(`chaos with HEADGATE_CHAOS_SEED=${seed}`, () => {
  it('loses none of hundreds of uploads while Stream fails and the gateway is killed', async () => {
    const outcome = await runStorm({
      seed,
      uploads,
      pace: 1,
      encodeMs: 1500,
      overMs: 30_000,
      faultsPerSecond: 8,
      kills: 6,
      aimedKills: 5,
      longestDelayMs: 2000,
      restWithinMs: 90_000,
    })
    printStorm(outcome)
    expect(outcome.losses).toEqual([])
    expect(outcome.kills).toBe(11)
  })

  it('shows READY in 3 s to whoever watches, in a minute to nobody, without any notice', async () => {
    const setup = await setSetup({ encodeMs: 2000, pace: 1, patienceMs: 120_000 })
    try {
      const { emulator, admin } = setup
      const lateness = await measureLateness({ emulator, line: admin, uploads: 12, letTimePass })
      printLateness(lateness)
      expect(lateness.watchedMs).toBeLessThan(3000)
      expect(lateness.unwatchedMs).toBeLessThan(60_000)
      expect(setup.surprises).toEqual([])
    } finally {
      await setup.end()
    }
  })

  it('makes one upload of one key, although the gateway dies in between', async () => {
    const outcome = await raceWithOneKey({ callers: CALLERS, pace: 1, patienceMs: 120_000 })
    printOneKey(outcome, CALLERS)
    expect(outcome).toMatchObject({
      uids: { 'answer lost': 1, 'asked in vain': 1, 'in peace': 1 },
      videosAtStream: 3,
      uploadsAtGateway: 3,
      reservedSeconds: { gateway: 3 * RESERVED_SECONDS, stream: 3 * RESERVED_SECONDS },
      kills: 1,
      surprises: [],
    })
  })

  it('is changed by none of ten thousand notices that Stream never sent', async () => {
    const outcome = await sendForgedWebhooks({
      seed,
      notices: 10_000,
      pace: 1,
      patienceMs: 200_000,
    })
    printForged(outcome)
    expect(outcome).toMatchObject({ wrong: [], changed: [], failures: [] })
    // Node gives memory back in steps: over 60,000 notices it went up and down between 222 and 368 MB.
    expect(outcome.memory.after - outcome.memory.before).toBeLessThan(120_000_000)
  })
})
