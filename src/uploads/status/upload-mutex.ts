/** Serializes work per upload, so that changes are published in order. */
import type { UploadPubSub } from '../ports/upload-pubsub.ts'

/** Promise of the last queued work per upload, for each pub/sub adapter. */
const tails = new WeakMap<UploadPubSub, Map<string, Promise<unknown>>>()

/**
 * Runs the work after all work queued earlier for this upload, whether that succeeded or failed. The store's
 * version check protects against other processes. The mutex makes this process publish changes in the order
 * in which it recorded them.
 */
export async function withUploadLock<T>(
  pubsub: UploadPubSub,
  uid: string,
  work: () => Promise<T>,
): Promise<T> {
  const queues = tails.get(pubsub) ?? new Map<string, Promise<unknown>>()
  tails.set(pubsub, queues)
  const previous = queues.get(uid)
  const running = previous === undefined ? work() : previous.then(work, work)
  queues.set(uid, running)
  try {
    return await running
  } finally {
    if (queues.get(uid) === running) queues.delete(uid)
  }
}
