/** Use case: storage of the account, from Stream's figures and the store's reservations. */
import type { StreamApi, StreamStorage } from './ports/stream-api.ts'
import type { Dependencies } from './dependencies.ts'

/** Minutes of video; limits are null if the account's limit is unknown. */
export interface StorageUsage {
  readonly limitMinutes: number | null
  readonly storedMinutes: number
  /** Reserved for minted uploads whose file is not yet received and processed. */
  readonly reservedMinutes: number
  readonly availableMinutes: number | null
  readonly videoCount: number
}

/** How long Stream's figures are cached, in milliseconds, while the reserved seconds stay the same. */
const CACHE_MS = 10_000
/** How long a failure is cached, in milliseconds. */
const FAILURE_CACHE_MS = 2000

/** Stream's figures with the reserved seconds at the time of the request. */
interface Reading {
  readonly storage: Promise<StreamStorage>
  readonly reservedSeconds: number
  readonly at: number
  readonly cacheMs: number
}

/** One request to Stream serves all callers, so polling callers do not use up the account's rate limit. */
const cache = new WeakMap<StreamApi, Reading>()

/** Throws StreamError if Stream does not respond, because an estimate would be misleading. */
export async function storageUsage({
  stream,
  store,
  clock,
}: Pick<Dependencies, 'stream' | 'store' | 'clock'>): Promise<StorageUsage> {
  const { reservedSeconds } = await store.quotaUsage()
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

/** A reading from the future is expired: the clock was set back. */
function isWithin(milliseconds: number, since: number, at: number): boolean {
  return at >= since && at - since < milliseconds
}

/** Reads again if the reserved seconds changed since, so that both figures match. */
function readStream(
  stream: StreamApi,
  reservedSeconds: number,
  at: number,
): Promise<StreamStorage> {
  const cached = cache.get(stream)
  const isFresh =
    cached !== undefined &&
    cached.reservedSeconds === reservedSeconds &&
    isWithin(cached.cacheMs, cached.at, at)
  if (isFresh) return cached.storage
  const storage = stream.storageUsage()
  const reading: Reading = { storage, reservedSeconds, at, cacheMs: CACHE_MS }
  cache.set(stream, reading)
  // A failure is cached for a short time only.
  storage.catch(() => {
    if (cache.get(stream) !== reading) return
    cache.set(stream, { ...reading, cacheMs: FAILURE_CACHE_MS })
  })
  return storage
}
