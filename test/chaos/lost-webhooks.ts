/** Every notice is lost: how long until the gateway knows by itself that a video is ready. */
import { setTimeout as pause } from 'node:timers/promises'
import type { EmulatorControlApi } from '../kit/emulator.ts'
import { type KnownUpload, allUploads } from './compare-state.ts'
import { mintUntilMinted, sendFile } from './creator.ts'
import { type Item, plainItem } from './creator-plans.ts'
import type { Line } from './retrying-client.ts'
import { subscribe } from './subscriber.ts'

export interface Lateness {
  /** Milliseconds from ready at Stream to READY before the subscriber's eyes, the slowest upload. */
  readonly watchedMs: number
  /** The same to READY in the gateway's books, where nobody watched. */
  readonly unwatchedMs: number
}

export interface LostWebhooksOptions {
  readonly emulator: EmulatorControlApi
  /** Whoever mints, and sees the gateway's list; looking at a list counts as watching nothing. */
  readonly line: Line
  /** Whoever watches an upload, by its place; at other gateways, where there are several. @default line */
  readonly watcherAt?: (place: number) => Line
  /** So many uploads are watched, and so many are not. */
  readonly uploads: number
  /** Lets time go by for those that nobody watches. */
  readonly letTimePass: () => Promise<void>
}

export async function measureLateness(options: LostWebhooksOptions): Promise<Lateness> {
  const { emulator, line, uploads, watcherAt = () => line } = options
  await emulator.fault({ on: 'webhook', drop: true, times: 1_000_000 })
  const items = Array.from({ length: uploads * 2 }, (_, index) => plainItem(`lost-${index}`, index))
  const watched = Promise.all(
    items
      .slice(0, uploads)
      .map((item, index) => sendWatched(line, watcherAt(index), item, index * 400)),
  )
  const unwatched = Promise.all(
    items.slice(uploads).map((item, index) => sendUnwatched(line, item, index * 400)),
  )
  const watchedMs = Math.max(...(await watched))
  const readyLate = await untilAllAreReady(options, await unwatched)
  return { watchedMs, unwatchedMs: Math.max(...readyLate) }
}

async function sendWatched(
  line: Line,
  watcher: Line,
  item: Item,
  afterMs: number,
): Promise<number> {
  await pause(afterMs)
  const minted = await mintUntilMinted(line, item, inAnHour())
  const subscriber = subscribe(watcher, minted.uid, item.watchesBy)
  await sendFile(item, minted)
  await subscriber.done
  const last = subscriber.connections.at(-1)?.at(-1)
  if (last?.status !== 'READY' || last.readyAt === null)
    throw new Error(`${minted.uid} is not READY`)
  return last.at - Date.parse(last.readyAt)
}

async function sendUnwatched(line: Line, item: Item, afterMs: number): Promise<string> {
  await pause(afterMs)
  const minted = await mintUntilMinted(line, item, inAnHour())
  await sendFile(item, minted)
  return minted.uid
}

async function untilAllAreReady(
  { line, letTimePass }: LostWebhooksOptions,
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
