/** Every notice is lost: how long until the gateway knows by itself that a video is ready. */
import { setTimeout as pause } from 'node:timers/promises'
import type { EmulatorKnobs } from '../kit/emulator.ts'
import { type KnownUpload, allUploads } from './compare-state.ts'
import { mintUntilMinted, sendFile } from './creator.ts'
import { type Journey, plainJourney } from './creator-plans.ts'
import type { Line } from './retrying-client.ts'
import { subscribe } from './subscriber.ts'

export interface Lateness {
  /** Milliseconds from ready at Stream to READY before the subscriber's eyes, the slowest upload. */
  readonly watchedMs: number
  /** The same to READY in the gateway's books, where nobody watched. */
  readonly unwatchedMs: number
}

export interface LostNoticesOptions {
  readonly emulator: EmulatorKnobs
  /** Whoever mints, and sees the gateway's list; looking at a list counts as watching nothing. */
  readonly line: Line
  /** Whoever watches an upload, by its place; at other gateways, where there are several. @default line */
  readonly watcherAt?: (place: number) => Line
  /** So many uploads are watched, and so many are not. */
  readonly uploads: number
  /** Lets time go by for those that nobody watches. */
  readonly letTimePass: () => Promise<void>
}

export async function measureLateness(options: LostNoticesOptions): Promise<Lateness> {
  const { emulator, line, uploads, watcherAt = () => line } = options
  await emulator.fault({ on: 'webhook', drop: true, times: 1_000_000 })
  const journeys = Array.from({ length: uploads * 2 }, (_, index) =>
    plainJourney(`lost-${index}`, index),
  )
  const watched = Promise.all(
    journeys
      .slice(0, uploads)
      .map((journey, index) => sendWatched(line, watcherAt(index), journey, index * 400)),
  )
  const unwatched = Promise.all(
    journeys.slice(uploads).map((journey, index) => sendUnwatched(line, journey, index * 400)),
  )
  const watchedMs = Math.max(...(await watched))
  const readyLate = await untilAllAreReady(options, await unwatched)
  return { watchedMs, unwatchedMs: Math.max(...readyLate) }
}

async function sendWatched(
  line: Line,
  watcher: Line,
  journey: Journey,
  afterMs: number,
): Promise<number> {
  await pause(afterMs)
  const minted = await mintUntilMinted(line, journey, inAnHour())
  const subscriber = subscribe(watcher, minted.uid, journey.watchesBy)
  await sendFile(journey, minted)
  await subscriber.done
  const last = subscriber.connections.at(-1)?.at(-1)
  if (last?.status !== 'READY' || last.readyAt === null)
    throw new Error(`${minted.uid} is not READY`)
  return last.at - Date.parse(last.readyAt)
}

async function sendUnwatched(line: Line, journey: Journey, afterMs: number): Promise<string> {
  await pause(afterMs)
  const minted = await mintUntilMinted(line, journey, inAnHour())
  await sendFile(journey, minted)
  return minted.uid
}

async function untilAllAreReady(
  { line, letTimePass }: LostNoticesOptions,
  uids: readonly string[],
): Promise<readonly number[]> {
  for (;;) {
    line.patience.throwIfAborted()
    const uploads = await allUploads(line)
    const late = uploads.filter(({ uid }) => uids.includes(uid)).map(latenessOf)
    const known = late.filter((milliseconds) => milliseconds !== null)
    if (known.length === uids.length) return known
    await letTimePass()
  }
}

/** By the gateway's own history; null while it does not know. */
function latenessOf({ history, video }: KnownUpload): number | null {
  const ready = history.find(({ status }) => status === 'READY')
  if (ready === undefined || typeof video?.readyAt !== 'string') return null
  return Date.parse(ready.at) - Date.parse(video.readyAt)
}

function inAnHour(): string {
  return new Date(Date.now() + 3_600_000).toISOString()
}
