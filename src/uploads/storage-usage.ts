/** How the account's storage stands: what Stream counts, and what our own records hold back. */
import type { StreamBackend, StreamStorage } from './ports/stream-api.ts'
import type { Parts } from './dependencies.ts'

/** Minutes of video; null where the account has no limit that we know. */
export interface StorageUsage {
  readonly limitMinutes: number | null
  readonly storedMinutes: number
  /** Held back for minted uploads whose file has not been received and processed yet. */
  readonly reservedMinutes: number
  readonly availableMinutes: number | null
  readonly videoCount: number
}

/** How long Stream's figures serve, in milliseconds, while our own books stand as they did. */
const SERVES_MS = 10_000
/** The same for an answer that did not come. */
const FAILURE_SERVES_MS = 2000

/** Stream's figures, and what our own books said when they were asked for. */
interface Reading {
  readonly storage: Promise<StreamStorage>
  readonly reservedSeconds: number
  readonly at: number
  readonly servesMs: number
}

/** A caller who asks again and again must not spend the account's requests: one answer serves all. */
const readings = new WeakMap<StreamBackend, Reading>()

/** Throws StreamError where Stream does not answer: a guess about storage would be worse. */
export async function storageUsage({
  stream,
  store,
  clock,
}: Pick<Parts, 'stream' | 'store' | 'clock'>): Promise<StorageUsage> {
  const { reservedSeconds } = await store.holdings()
  const { limitMinutes, storedMinutes, videoCount } = await readStream(
    stream,
    reservedSeconds,
    clock.now().getTime(),
  )
  const reservedMinutes = reservedSeconds / 60
  return {
    limitMinutes,
    storedMinutes,
    reservedMinutes,
    availableMinutes:
      limitMinutes === null ? null : Math.max(0, limitMinutes - storedMinutes - reservedMinutes),
    videoCount,
  }
}

/** A clock that was set back makes an answer old, not new for ever. */
function isWithin(milliseconds: number, since: number, at: number): boolean {
  return at >= since && at - since < milliseconds
}

/** Asks anew where something was minted or finished since, so that the two figures fit together. */
function readStream(
  stream: StreamBackend,
  reservedSeconds: number,
  at: number,
): Promise<StreamStorage> {
  const present = readings.get(stream)
  const serves =
    present !== undefined &&
    present.reservedSeconds === reservedSeconds &&
    isWithin(present.servesMs, present.at, at)
  if (serves) return present.storage
  const storage = stream.storageUsage()
  const reading: Reading = { storage, reservedSeconds, at, servesMs: SERVES_MS }
  readings.set(stream, reading)
  // What failed serves others for a moment only, and is not asked for again at once.
  storage.catch(() => {
    if (readings.get(stream) !== reading) return
    readings.set(stream, { ...reading, servesMs: FAILURE_SERVES_MS })
  })
  return storage
}
