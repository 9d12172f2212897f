/** Idempotency keys: requests of a caller with the same key and input have the same outcome. */
import { runExclusive } from '../../shared/run-exclusive.ts'
import { shareInFlight } from '../../shared/share-in-flight.ts'
import type { IdempotentUpload, Reservation, ReserveOutcome } from '../ports/upload-store.ts'
import { StreamError } from '../ports/stream-error.ts'
import { RESOLVE_AFTER_MS, deleteOrphans } from '../sync/delete-orphans.ts'
import type { Dependencies } from '../dependencies.ts'
import { IDEMPOTENCY_KEY_MS } from '../limits.ts'
import { type CreateUploadOutcome, idempotencyConflict } from '../outcomes.ts'
import { type Fingerprints, fingerprintsOf } from './fingerprint.ts'
import type { UploadRequest } from './upload-request.ts'
import type { Viewer } from '../viewer.ts'

/** Maximum wait in milliseconds. Creations time out after 15 s, so an older reservation is not in flight. */
const MAX_WAIT_MS = 16_000
/** Interval between two reads of the store while waiting, in milliseconds. */
const POLL_INTERVAL_MS = 100

type KeyDependencies = Pick<
  Dependencies,
  'stream' | 'store' | 'clock' | 'log' | 'closing' | 'mintsInFlight'
>

/** Outcome if an earlier or concurrent request has reserved with the key. */
export type KeyInUse = Extract<ReserveOutcome, { kind: 'key-in-use' }>

/** Creates an upload at the time `now`. The fingerprint is recorded with the key; it is empty without a key. */
type Create = (fingerprint: string, now: Date) => Promise<CreateUploadOutcome | KeyInUse>

/** A request's idempotency key, caller and fingerprints. */
interface KeyUse {
  readonly requestedBy: string
  readonly key: string
  readonly fingerprints: Fingerprints
}

/** Returns the time since which keys are valid; a key that was used earlier has expired. */
export function keysSince(now: Date): Date {
  return new Date(now.getTime() - IDEMPOTENCY_KEY_MS)
}

/** Returns the fingerprints of a request with an idempotency key; null without one. */
export async function fingerprintsOfKey(
  request: UploadRequest,
  { subject, limits }: Viewer,
): Promise<Fingerprints | null> {
  if (request.idempotencyKey === null) return null
  return fingerprintsOf(request, subject, limits?.forced.watermarkUid ?? null)
}

/**
 * Returns the outcome of an earlier or concurrent request with the same key and input, or calls `create`.
 * Returns a conflict if the key was used with different input.
 * @param fingerprints of the request; null without a key
 */
export async function createOnce(
  dependencies: KeyDependencies,
  { subject: requestedBy, limits }: Viewer,
  { idempotencyKey: key }: UploadRequest,
  fingerprints: Fingerprints | null,
  create: Create,
): Promise<CreateUploadOutcome> {
  if (key === null || fingerprints === null) {
    const outcome = await create('', dependencies.clock.now())
    if (outcome.kind === 'key-in-use') throw new Error('A reservation without a key is in use.')
    return outcome
  }
  // Concurrent requests with different input do not share a call: the store decides which of them gets the key.
  const slot = JSON.stringify([requestedBy, key, fingerprints[0]])
  const { mintsInFlight } = dependencies
  // Requests with the limits of another token wait for each other, because their outcomes may differ.
  return shareInFlight(mintsInFlight, `${slot} ${JSON.stringify(limits)}`, () =>
    runExclusive(mintsInFlight, slot, () =>
      createWithKey(dependencies, { requestedBy, key, fingerprints }, create),
    ),
  )
}

async function createWithKey(
  dependencies: KeyDependencies,
  use: KeyUse,
  create: Create,
): Promise<CreateUploadOutcome> {
  for (;;) {
    const now = dependencies.clock.now()
    const outcome = await create(use.fingerprints[0], now)
    if (outcome.kind !== 'key-in-use') return outcome
    const existing = await waitForOutcome(dependencies, use, outcome, now)
    // The other request released its reservation, and the key is free again.
    if (existing === null) continue
    // An interrupted attempt left at most one video, whose URL is lost: no request of this process is minting it.
    // The video is deleted, and the caller gets a new URL.
    const isInterrupted = existing.upload === null && isSameInput(use, existing)
    if (isInterrupted && (await releaseInterrupted(dependencies, existing.reservation))) continue
    return outcomeOfKey(use, existing)
  }
}

/** Returns what the request's key stands for; null if it has no key, or a free one. */
export async function findKeyInUse(
  { store }: Pick<KeyDependencies, 'store'>,
  requestedBy: string,
  { idempotencyKey }: UploadRequest,
  now: Date,
): Promise<KeyInUse | null> {
  if (idempotencyKey === null) return null
  const holder = await store.findByKey(requestedBy, idempotencyKey, keysSince(now))
  return holder === null ? null : { kind: 'key-in-use', ...holder }
}

/**
 * Waits while another gateway may be processing a request with the same key and input. Returns the upload, or
 * null if its reservation was released or retired. Returns the open reservation on shutdown, and if it is too
 * old to be in flight. Does not wait if the store is not shared or the input differs.
 */
async function waitForOutcome(
  { store, clock, closing }: KeyDependencies,
  use: KeyUse,
  found: IdempotentUpload,
  now: Date,
): Promise<IdempotentUpload | null> {
  if (!store.isShared || !isSameInput(use, found)) return found
  let current: IdempotentUpload | null = found
  const startedAt = clock.monotonicMs()
  while (current !== null && current.upload === null && !closing.aborted) {
    const age = clock.now().getTime() - current.reservation.createdAt.getTime()
    // Limits the wait too: clocks of gateways may differ or be changed.
    const waited = clock.monotonicMs() - startedAt
    if (Math.max(age, waited) >= MAX_WAIT_MS) return current
    await clock.wait(POLL_INTERVAL_MS, closing)
    current = await store.findByKey(use.requestedBy, use.key, keysSince(now))
  }
  return current
}

/**
 * Deletes any video of the reservation and retires the reservation. Returns false if its creation may still be
 * in flight, or if Stream does not respond; a later request retries.
 */
async function releaseInterrupted(
  dependencies: KeyDependencies,
  reservation: Reservation,
): Promise<boolean> {
  const age = dependencies.clock.now().getTime() - reservation.createdAt.getTime()
  if (age < RESOLVE_AFTER_MS) return false
  try {
    await deleteOrphans(dependencies, [reservation], null, reservation.creator)
    const outcome = (await dependencies.store.findReferences([reservation.id])).get(reservation.id)
    return outcome === undefined || outcome.retired
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    dependencies.log.warn(
      { uploadId: reservation.id, errorKind: error.kind },
      'resolving a reservation failed; retried later',
    )
    return false
  }
}

function isSameInput({ fingerprints }: KeyUse, { reservation }: IdempotentUpload): boolean {
  return fingerprints.includes(reservation.fingerprint)
}

function outcomeOfKey(use: KeyUse, existing: IdempotentUpload): CreateUploadOutcome {
  if (!isSameInput(use, existing)) return idempotencyConflict()
  const { upload } = existing
  if (upload !== null) return { kind: 'Minted', upload, uploadURL: upload.uploadURL }
  return {
    kind: 'StreamError',
    code: 'STREAM_UNAVAILABLE',
    message: 'A request with this idempotency key is still in progress. Retry.',
    retryable: true,
  }
}
