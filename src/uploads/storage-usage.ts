/** How the account's storage stands: what Stream counts, and what our own records hold back. */
import type { StreamBackend, StreamStorage } from '../stream/backend.ts'
import type { Parts } from './parts.ts'

/** Minutes of video; null where the account has no limit that we know. */
export interface StorageUsage {
  readonly limitMinutes: number | null
  readonly storedMinutes: number
  /** Held back for minted uploads whose file has not been received and processed yet. */
  readonly reservedMinutes: number
  readonly availableMinutes: number | null
  readonly videoCount: number
}

/** Throws StreamError where Stream does not answer: a guess about storage would be worse. */
export async function storageUsage({
  stream,
  store,
}: Pick<Parts, 'stream' | 'store'>): Promise<StorageUsage> {
  const [usage, { reservedSeconds }] = await Promise.all([readOnce(stream), store.holdings()])
  const reservedMinutes = reservedSeconds / 60
  return {
    limitMinutes: usage.limitMinutes,
    storedMinutes: usage.storedMinutes,
    reservedMinutes,
    availableMinutes:
      usage.limitMinutes === null
        ? null
        : Math.max(0, usage.limitMinutes - usage.storedMinutes - reservedMinutes),
    videoCount: usage.videoCount,
  }
}

const underWay = new WeakMap<StreamBackend, Promise<StreamStorage>>()

/** Whoever asks while Stream is being asked gets the same answer: a request is not a thousand. */
function readOnce(stream: StreamBackend): Promise<StreamStorage> {
  const present = underWay.get(stream)
  if (present !== undefined) return present
  const reading = stream.storageUsage().finally(() => underWay.delete(stream))
  underWay.set(stream, reading)
  return reading
}
