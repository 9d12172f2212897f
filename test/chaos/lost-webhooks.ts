/** Drops every webhook and measures how long the gateway takes to detect a ready video by polling. */
import { setTimeout as pause } from 'node:timers/promises'
import type { EmulatorControlApi } from '../kit/emulator.ts'
import { type KnownUpload, allUploads } from './compare-state.ts'
import { createWithRetries, sendFile } from './creator.ts'
import { type UploadPlan, standardPlan } from './creator-plans.ts'
import type { RetryingClient } from './retrying-client.ts'
import { subscribe } from './subscriber.ts'

export interface DetectionDelays {
  /** Maximum milliseconds from ready at Stream to the subscriber's READY event. */
  readonly watchedMs: number
  /** Maximum milliseconds from ready at Stream to READY in the history of an unwatched upload. */
  readonly unwatchedMs: number
}

export interface LostWebhooksOptions {
  readonly emulator: EmulatorControlApi
  /** Creates and lists the uploads; listing does not count as watching. */
  readonly client: RetryingClient
  /** Client that watches the upload with this index. @default `client` */
  readonly watcherAt?: (index: number) => RetryingClient
  /** Number of watched uploads, and of unwatched ones. */
  readonly uploads: number
  /** Waits, or advances the gateway's clock, between reads of the unwatched uploads. */
  readonly advanceTime: () => Promise<void>
}

export async function measureDetectionDelays(
  options: LostWebhooksOptions,
): Promise<DetectionDelays> {
  const { emulator, client, uploads, watcherAt = () => client } = options
  await emulator.fault({ on: 'webhook', drop: true, times: 1_000_000 })
  const plans = Array.from({ length: uploads * 2 }, (_, index) =>
    standardPlan(`lost-${index}`, index),
  )
  const watched = Promise.all(
    plans
      .slice(0, uploads)
      .map((plan, index) => sendWatched(client, watcherAt(index), plan, index * 400)),
  )
  const unwatched = Promise.all(
    plans.slice(uploads).map((plan, index) => sendUnwatched(client, plan, index * 400)),
  )
  const watchedMs = Math.max(...(await watched))
  const unwatchedDelays = await waitUntilAllReady(options, await unwatched)
  return { watchedMs, unwatchedMs: Math.max(...unwatchedDelays) }
}

async function sendWatched(
  client: RetryingClient,
  watcher: RetryingClient,
  plan: UploadPlan,
  delayMs: number,
): Promise<number> {
  await pause(delayMs)
  const created = await createWithRetries(client, plan, oneHourFromNow())
  const subscriber = subscribe(watcher, created.uid, plan.watchesBy)
  await sendFile(plan, created)
  await subscriber.done
  const last = subscriber.connections.at(-1)?.at(-1)
  if (last?.status !== 'READY' || last.readyAt === null)
    throw new Error(`${created.uid} is not READY`)
  return last.at - Date.parse(last.readyAt)
}

async function sendUnwatched(
  client: RetryingClient,
  plan: UploadPlan,
  delayMs: number,
): Promise<string> {
  await pause(delayMs)
  const created = await createWithRetries(client, plan, oneHourFromNow())
  await sendFile(plan, created)
  return created.uid
}

async function waitUntilAllReady(
  { client, advanceTime }: LostWebhooksOptions,
  uids: readonly string[],
): Promise<readonly number[]> {
  for (;;) {
    client.signal.throwIfAborted()
    const uploads = await allUploads(client)
    const uploadDelays = uploads.filter(({ uid }) => uids.includes(uid)).map(detectionDelayOf)
    const known = uploadDelays.filter((milliseconds) => milliseconds !== null)
    if (known.length === uids.length) return known
    await advanceTime()
  }
}

/** Delay by the upload's history; null before READY. */
function detectionDelayOf({ history, video }: KnownUpload): number | null {
  const ready = history.find(({ status }) => status === 'READY')
  if (ready === undefined || typeof video?.readyAt !== 'string') return null
  return Date.parse(ready.at) - Date.parse(video.readyAt)
}

function oneHourFromNow(): string {
  return new Date(Date.now() + 3_600_000).toISOString()
}
