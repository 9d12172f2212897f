/** Idempotency keys: all requests of one caller with one key have one outcome. */
import { shareInFlight } from '../../shared/share-in-flight.ts'
import type { IdempotentUpload, Reservation, ReserveOutcome } from '../ports/upload-store.ts'
import { StreamError } from '../ports/stream-error.ts'
import { RESOLVE_AFTER_MS, deleteOrphans } from '../sync/delete-orphans.ts'
import type { Dependencies } from '../dependencies.ts'
import { IDEMPOTENCY_KEY_MS } from '../limits.ts'
import { type CreateUploadOutcome, idempotencyConflict } from '../outcomes.ts'
import { type Fingerprints, fingerprintsOf } from './fingerprint.ts'
import type { UploadRequest } from './upload-request.ts'

/** Creations time out after 15 s; an older reservation is no longer in flight. */
const MAX_WAIT_MS = 16_000
/** Interval between two reads of the store, in milliseconds. */
const POLL_INTERVAL_MS = 100

type KeyDependencies = Pick<
  Dependencies,
  'stream' | 'store' | 'clock' | 'log' | 'closing' | 'mintsInFlight'
>

/** Another request reserved with the key after it was looked up. */
export type KeyInUse = Extract<ReserveOutcome, { kind: 'key-in-use' }>

/** Creates an upload as of `now`. The fingerprint is recorded with the key; empty without a key. */
type Create = (fingerprint: string, now: Date) => Promise<CreateUploadOutcome | KeyInUse>

/** A request's use of its key. */
interface KeyUse {
  readonly requestedBy: string
  readonly key: string
  readonly fingerprints: Fingerprints
}

/** Returns the time of the oldest key use that counts. */
export function keysSince(now: Date): Date {
  return new Date(now.getTime() - IDEMPOTENCY_KEY_MS)
}

/**
 * Returns the outcome of an earlier or concurrent request with the same key and input, or runs `create`. A
 * key with another input is a conflict.
 */
export async function createOnce(
  dependencies: KeyDependencies,
  requestedBy: string,
  request: UploadRequest,
  create: Create,
): Promise<CreateUploadOutcome> {
  const key = request.idempotencyKey
  if (key === null) {
    const outcome = await create('', dependencies.clock.now())
    if (outcome.kind === 'key-in-use') throw new Error('A reservation without a key is in use.')
    return outcome
  }
  const fingerprints = await fingerprintsOf(request, requestedBy)
  // Requests with another input do not share: the store decides which of them has the key.
  const slot = JSON.stringify([requestedBy, key, fingerprints[0]])
  return shareInFlight(dependencies.mintsInFlight, slot, () =>
    createWithKey(dependencies, { requestedBy, key, fingerprints }, create),
  )
}

async function createWithKey(
  dependencies: KeyDependencies,
  use: KeyUse,
  create: Create,
): Promise<CreateUploadOutcome> {
  for (;;) {
    const now = dependencies.clock.now()
    const previous = await findPrevious(dependencies, use, now)
    if (previous !== null) return previous
    const outcome = await create(use.fingerprints[0], now)
    if (outcome.kind !== 'key-in-use') return outcome
    const existing = await waitForOutcome(dependencies, use, outcome, now)
    // Null: the other request released its reservation, so the key is free again.
    if (existing !== null) return outcomeOfKey(use, existing)
  }
}

/** Returns the outcome of an earlier request with this key; null if there is none. */
async function findPrevious(
  dependencies: KeyDependencies,
  use: KeyUse,
  now: Date,
): Promise<CreateUploadOutcome | null> {
  const found = await dependencies.store.findByKey(use.requestedBy, use.key, keysSince(now))
  if (found === null) return null
  const earlier = await waitForOutcome(dependencies, use, found, now)
  if (earlier === null) return null
  // No request of this process is minting it: an earlier attempt was interrupted and left at most one
  // video, whose URL is lost. That video is deleted, and the caller gets a new URL.
  const isInterrupted = earlier.upload === null && isSameInput(use, earlier)
  if (isInterrupted && (await releaseInterrupted(dependencies, earlier.reservation))) return null
  return outcomeOfKey(use, earlier)
}

/**
 * Waits while another gateway may be processing an equal request. Returns the key's upload, or null if its
 * reservation was released or retired. Returns the open reservation if it is too old to be in flight, on
 * shutdown, or immediately if the store is not shared.
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
    // Also limited by the time waited: clocks differ between gateways and may be set.
    const waited = clock.monotonicMs() - startedAt
    if (Math.max(age, waited) >= MAX_WAIT_MS) return current
    await clock.wait(POLL_INTERVAL_MS, closing)
    current = await store.findByKey(use.requestedBy, use.key, keysSince(now))
  }
  return current
}

/**
 * Deletes any video of the reservation and retires it. Returns false if it is too early to decide, or Stream
 * does not respond; the caller retries later.
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
