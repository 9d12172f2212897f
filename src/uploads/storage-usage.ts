/** Use case: storage of the account for administrators, and of the caller for all others. */
import { limitsInForce } from './caller-limits.ts'
import type { StreamApi, StreamStorage } from './ports/stream-api.ts'
import type { Dependencies } from './dependencies.ts'
import type { Viewer } from './viewer.ts'

/** Minutes of video. */
export interface StorageUsage {
  /** Limit of the account or quota of the caller; null if there is none or it is unknown. */
  readonly limitMinutes: number | null
  readonly storedMinutes: number
  /** Reserved for minted uploads whose file is not yet received and processed. */
  readonly reservedMinutes: number
  /** For a caller the smaller of the rest of the quota and the account's; null if neither is known. */
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
export async function storageUsage(
  dependencies: Pick<Dependencies, 'stream' | 'store' | 'clock' | 'policy'>,
  viewer: Viewer,
): Promise<StorageUsage> {
  const account = await accountUsage(dependencies)
  return viewer.isAdmin ? account : callerUsage(dependencies, viewer, account)
}

async function accountUsage({
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

/** Returns what counts towards the creator's quota; the account's usage only limits what is available. */
async function callerUsage(
  { store, policy }: Pick<Dependencies, 'store' | 'policy'>,
  { subject: creator, limits: ofToken }: Viewer,
  account: StorageUsage,
): Promise<StorageUsage> {
  const [{ reservedSeconds, storedSeconds }, videoCount] = await Promise.all([
    store.quotaUsage(creator),
    store.count({ creator, statuses: ['READY'] }),
  ])
  const { quotaSeconds } = limitsInForce(policy, ofToken)
  const limits = [
    ...(quotaSeconds === null ? [] : [(quotaSeconds - storedSeconds - reservedSeconds) / 60]),
    ...(account.availableMinutes === null ? [] : [account.availableMinutes]),
  ]
  return {
    limitMinutes: quotaSeconds === null ? null : quotaSeconds / 60,
    storedMinutes: storedSeconds / 60,
    reservedMinutes: reservedSeconds / 60,
    availableMinutes: limits.length === 0 ? null : Math.max(0, Math.min(...limits)),
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
