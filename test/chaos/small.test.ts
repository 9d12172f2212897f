/** The small edition, for every `npm test`: fewer uploads, and a gateway whose clock runs faster. */
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../kit/gateway.ts'
import { sendForgedWebhooks } from './forged-webhooks.ts'
import { createLine } from './retrying-client.ts'
import { measureLateness } from './lost-webhooks.ts'
import { RESERVED_SECONDS, raceWithOneKey } from './one-key.ts'
import { printForged, printLateness, printOneKey, printStorm } from './report.ts'
import { chosenSeed } from './seed.ts'
import { runStorm } from './fault-scenario.ts'

const seed = chosenSeed()
/** Half a minute, after which a lost creation is cleared away, takes three seconds. */
const PACE = 10
const BACKOFF_MS = 45_000

describe(`a little chaos with HEADGATE_CHAOS_SEED=${seed}`, { timeout: 60_000 }, () => {
  it('loses none of some uploads while Stream fails and the gateway is killed', async () => {
    const outcome = await runStorm({
      seed,
      uploads: 24,
      pace: PACE,
      encodeMs: 300,
      overMs: 4000,
      faultsPerSecond: 8,
      kills: 1,
      aimedKills: 1,
      longestDelayMs: 500,
      restWithinMs: 26_000,
    })
    printStorm(outcome)
    expect(outcome.losses).toEqual([])
  })

  it('shows READY in 3 s to whoever watches, in a minute to nobody, without any notice', async () => {
    const { url, emulator, clock } = await startTestGateway()
    const surprises: string[] = []
    const backoff = AbortSignal.timeout(BACKOFF_MS)
    const lateness = await measureLateness({
      emulator,
      line: createLine({ gateways: [url], token: 'none', surprises, patience: backoff }),
      uploads: 3,
      letTimePass: async () => clock.advance(1),
    })
    printLateness(lateness)
    expect(lateness.watchedMs).toBeLessThan(3000)
    expect(lateness.unwatchedMs).toBeLessThan(60_000)
    expect(surprises).toEqual([])
  })

  it('makes one upload of one key, although the gateway dies in between', async () => {
    const outcome = await raceWithOneKey({ callers: 50, pace: PACE, patienceMs: BACKOFF_MS })
    printOneKey(outcome, 50)
    expect(outcome).toMatchObject({
      uids: { 'answer lost': 1, 'asked in vain': 1, 'in peace': 1 },
      videosAtStream: 3,
      uploadsAtGateway: 3,
      reservedSeconds: { gateway: 3 * RESERVED_SECONDS, stream: 3 * RESERVED_SECONDS },
      surprises: [],
    })
  })

  it('is changed by none of some hundred notices that Stream never sent', async () => {
    const outcome = await sendForgedWebhooks({
      seed,
      notices: 300,
      pace: PACE,
      patienceMs: BACKOFF_MS,
    })
    printForged(outcome)
    expect(outcome).toMatchObject({ wrong: [], changed: [], failures: [] })
  })
})
