/** The short run, part of `npm test`: fewer uploads, and a gateway whose clock runs faster. */
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../kit/gateway.ts'
import { sendForgedWebhooks } from './forged-webhooks.ts'
import { createRetryingClient } from './retrying-client.ts'
import { measureDetectionDelays } from './lost-webhooks.ts'
import { RESERVED_SECONDS, raceWithOneKey } from './one-key.ts'
import { printForged, printDetectionDelays, printOneKey, printFaultScenario } from './report.ts'
import { chosenSeed } from './seed.ts'
import { runFaultScenario } from './fault-scenario.ts'

const seed = chosenSeed()
/** Ten times as fast: an orphan is deleted after three seconds instead of thirty. */
const PACE = 10
const BACKOFF_MS = 45_000

describe(`short chaos run with HEADGATE_CHAOS_SEED=${seed}`, { timeout: 60_000 }, () => {
  it('loses no upload while Stream fails and the gateway is killed', async () => {
    const outcome = await runFaultScenario({
      seed,
      uploads: 24,
      pace: PACE,
      encodeMs: 300,
      overMs: 4000,
      faultsPerSecond: 8,
      kills: 1,
      killsDuringCreate: 1,
      maxDelayMs: 500,
      agreeWithinMs: 26_000,
    })
    printFaultScenario(outcome)
    expect(outcome.losses).toEqual([])
  })

  it('reports READY without webhooks: within 3 s to a subscriber, within a minute otherwise', async () => {
    const { url, emulator, clock } = await startTestGateway()
    const unexpectedErrors: string[] = []
    const signal = AbortSignal.timeout(BACKOFF_MS)
    const delays = await measureDetectionDelays({
      emulator,
      client: createRetryingClient({ gateways: [url], token: 'none', unexpectedErrors, signal }),
      uploads: 3,
      advanceTime: async () => clock.advance(1),
    })
    printDetectionDelays(delays)
    expect(delays.watchedMs).toBeLessThan(3000)
    expect(delays.unwatchedMs).toBeLessThan(60_000)
    expect(unexpectedErrors).toEqual([])
  })

  it('creates one upload per idempotency key although the gateway is killed during the requests', async () => {
    const outcome = await raceWithOneKey({ callers: 50, pace: PACE, timeoutMs: BACKOFF_MS })
    printOneKey(outcome, 50)
    expect(outcome).toMatchObject({
      uids: { 'killed after creation': 1, 'killed before creation': 1, 'not killed': 1 },
      videosAtStream: 3,
      uploadsAtGateway: 3,
      reservedSeconds: { gateway: 3 * RESERVED_SECONDS, stream: 3 * RESERVED_SECONDS },
      unexpectedErrors: [],
    })
  })

  it('changes no upload on 300 forged webhooks', async () => {
    const outcome = await sendForgedWebhooks({
      seed,
      webhooks: 300,
      pace: PACE,
      timeoutMs: BACKOFF_MS,
    })
    printForged(outcome)
    expect(outcome).toMatchObject({ wrong: [], changed: [], failures: [] })
  })
})
