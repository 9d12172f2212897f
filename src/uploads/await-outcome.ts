/** Waits for what another gateway is about to record under a key. */
import type { KeyedUpload } from './ports/upload-store.ts'
import type { Parts } from './dependencies.ts'

/** Stream has 15 s to answer a creation; what is not recorded a little later is not under way. */
const OUTCOME_WITHIN_MS = 16_000
/** Pause between two looks, in milliseconds. */
const LOOK_EVERY_MS = 100

/** Who made the key, and which. */
interface Key {
  readonly requestedBy: string
  readonly key: string
  readonly since: Date
}

/**
 * What the key stands for once its outcome is known: null where it was given up. A reservation without
 * an upload comes back where it is too old to be under way, or the gateway closes. Where no other
 * gateway shares the store it comes back at once: nobody else could be at it.
 */
export async function awaitOutcome(
  { store, clock, closing }: Pick<Parts, 'store' | 'clock' | 'closing'>,
  { requestedBy, key, since: keysSince }: Key,
  found: KeyedUpload,
): Promise<KeyedUpload | null> {
  let keyed: KeyedUpload | null = found
  const startedAt = clock.monotonicMs()
  while (store.isShared && keyed !== null && keyed.upload === null && !closing.aborted) {
    const age = clock.now().getTime() - keyed.reservation.createdAt.getTime()
    // Clocks differ and are set: nobody waits for longer than there is something to wait for.
    const waited = clock.monotonicMs() - startedAt
    if (Math.max(age, waited) >= OUTCOME_WITHIN_MS) return keyed
    await clock.wait(LOOK_EVERY_MS, closing)
    keyed = await store.findByKey(requestedBy, key, keysSince)
  }
  return keyed
}
