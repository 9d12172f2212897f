/** Serializes work per upload, so that changes are published in order. */
import { runExclusive } from '../../shared/run-exclusive.ts'
import type { UploadPubSub } from '../ports/upload-pubsub.ts'

/** Promise of the last queued work per upload, for each pub/sub adapter. */
const tails = new WeakMap<UploadPubSub, Map<string, Promise<unknown>>>()

/**
 * Runs the work after all work queued earlier for this upload. The store's version check protects against other
 * processes. The mutex makes this process publish changes in the order in which it recorded them.
 */
export function withUploadLock<T>(
  pubsub: UploadPubSub,
  uid: string,
  work: () => Promise<T>,
): Promise<T> {
  const queues = tails.get(pubsub) ?? new Map<string, Promise<unknown>>()
  tails.set(pubsub, queues)
  return runExclusive(queues, uid, work)
}
