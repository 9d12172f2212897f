/** Many callers use one idempotency key while the gateway is killed during its request to Stream. */
import { setTimeout as pause } from 'node:timers/promises'
import { compareStates, hasNoDifferences, readStates } from './compare-state.ts'
import { createWithRetries } from './creator.ts'
import { type UploadPlan, standardPlan } from './creator-plans.ts'
import { type Setup, startSetup } from './setup.ts'

export interface OneKeyOptions {
  readonly callers: number
  readonly pace: number
  readonly timeoutMs: number
}

export interface OneKeyOutcome {
  /** Number of different uids that the callers of each key received. */
  readonly uids: Readonly<Record<string, number>>
  readonly videosAtStream: number
  readonly uploadsAtGateway: number
  readonly reservedSeconds: { readonly gateway: number; readonly stream: number }
  /** Create requests that Stream received. */
  readonly creations: number
  readonly kills: number
  readonly unexpectedErrors: readonly string[]
  readonly durationMs: number
}

/** Seconds reserved for each key. */
export const RESERVED_SECONDS = 77

/**
 * Uses three keys. For one, the gateway is killed after Stream created the video, before its response;
 * for one, before Stream creates the video; for one, it is not killed.
 */
export async function raceWithOneKey(options: OneKeyOptions): Promise<OneKeyOutcome> {
  const setup = await startSetup({ ...options, encodeMs: 500 })
  const { emulator } = setup
  const [gateway] = setup.gateways
  try {
    const start = Date.now()
    await emulator.fault({ on: 'direct_upload', delayMs: 300, hangUpAfter: true })
    await emulator.fault({ on: 'tus_create', delayMs: 700 })
    const killed = [
      planOf('killed after creation', 'BASIC'),
      planOf('killed before creation', 'TUS'),
    ]
    const racing = killed.map((plan) => race(setup, plan, options.callers))
    // Stream has created the first video and creates the second one after the kill.
    while ((await emulator.state()).videos.length === 0) await pause(5)
    await gateway.killAndStart()
    const notKilled = race(setup, planOf('not killed', 'BASIC'), options.callers)
    const uids = await Promise.all([...racing, notKilled])
    await waitUntilStatesAgree(setup)
    const { uploads, stream, reservedSeconds } = await readStates(setup)
    return {
      uids: {
        'killed after creation': uids[0] ?? 0,
        'killed before creation': uids[1] ?? 0,
        'not killed': uids[2] ?? 0,
      },
      videosAtStream: stream.videos.length,
      uploadsAtGateway: uploads.length,
      reservedSeconds: { gateway: reservedSeconds, stream: stream.reservedSeconds },
      creations: (stream.requests['direct_upload'] ?? 0) + (stream.requests['tus_create'] ?? 0),
      kills: gateway.kills(),
      unexpectedErrors: [...setup.unexpectedErrors, ...gateway.failures],
      durationMs: Date.now() - start,
    }
  } finally {
    await setup.end()
  }
}

/** Returns the number of different uids that the callers received. */
async function race(setup: Setup, plan: UploadPlan, callers: number): Promise<number> {
  const client = await setup.as(plan.creator)
  const expiry = new Date(Date.now() + 3_600_000).toISOString()
  const created = await Promise.all(
    Array.from({ length: callers }, () => createWithRetries(client, plan, expiry)),
  )
  return new Set(created.map(({ uid }) => uid)).size
}

async function waitUntilStatesAgree(setup: Setup): Promise<void> {
  while (!hasNoDifferences(compareStates(await readStates(setup)))) await pause(200)
}

function planOf(key: string, protocol: UploadPlan['protocol']): UploadPlan {
  return {
    ...standardPlan(key, 0),
    protocol,
    ending: 'abandoned',
    maxDurationSeconds: RESERVED_SECONDS,
  }
}
