/** Waits until another gateway has recorded the outcome of an idempotency key. */
import type { IdempotentUpload } from '../ports/upload-store.ts'
import type { Dependencies } from '../dependencies.ts'

/** Creations time out after 15 s; an older reservation is no longer in flight. */
const MAX_WAIT_MS = 16_000
/** Interval between two reads of the store, in milliseconds. */
const POLL_INTERVAL_MS = 100

/** The key, its owner, and the earliest use that counts. */
interface Key {
  readonly requestedBy: string
  readonly key: string
  readonly since: Date
}

/**
 * Returns the key's upload, or null if its reservation was released or retired. Returns the open
 * reservation if it is too old to be in flight, on shutdown, or immediately if the store is not shared.
 */
export async function waitForOutcome(
  { store, clock, closing }: Pick<Dependencies, 'store' | 'clock' | 'closing'>,
  { requestedBy, key, since: keysSince }: Key,
  found: IdempotentUpload,
): Promise<IdempotentUpload | null> {
  let current: IdempotentUpload | null = found
  const startedAt = clock.monotonicMs()
  while (store.isShared && current !== null && current.upload === null && !closing.aborted) {
    const age = clock.now().getTime() - current.reservation.createdAt.getTime()
    // Also limited by the time waited: clocks differ between gateways and may be set.
    const waited = clock.monotonicMs() - startedAt
    if (Math.max(age, waited) >= MAX_WAIT_MS) return current
    await clock.wait(POLL_INTERVAL_MS, closing)
    current = await store.findByKey(requestedBy, key, keysSince)
  }
  return current
}
