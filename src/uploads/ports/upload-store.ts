/**
 * Port for upload storage. Every state change is one guarded operation that reports whether it happened.
 * SQLite, D1 and PostgreSQL therefore give the same guarantees, and no lock is held across an await.
 */
import type { CallbackStore, CallbackWrite } from './callback-store.ts'
import type { Upload, UploadEvent, UploadProtocol, UploadStatus, UploadSpec } from '../upload.ts'

/** An upload recorded before the request to Stream, so it has no uid yet. */
export interface Reservation extends UploadSpec {
  /** Exact size in bytes if declared (tus), else null. */
  readonly totalBytes: number | null
  /** At most 255 characters; unique per `requestedBy` until it expires. */
  readonly idempotencyKey: string | null
  /** Equal for equal inputs: tells a retry from a key used twice. Empty without a key. */
  readonly fingerprint: string
  /** Subject of the caller; differs from `creator` if an administrator mints for another creator. */
  readonly requestedBy: string
}

/** Status of a reference: an upload (uid set), pending (uid null), or retired. */
export interface ReferenceStatus {
  readonly uid: string | null
  readonly retired: boolean
}

/** What an idempotency key stands for: an upload, or (null) a reservation without a known outcome. */
export interface IdempotentUpload {
  readonly reservation: Reservation
  readonly upload: Upload | null
}

/** Outcome of `reserve`. */
export type ReserveOutcome =
  | { readonly kind: 'reserved' }
  /** The idempotency key is in use. */
  | ({ readonly kind: 'key-in-use' } & IdempotentUpload)
  /** The reservation exceeds the creator's quota; `usedSeconds` are already in use. */
  | { readonly kind: 'over-quota'; readonly usedSeconds: number }
  /** As many uploads were reserved with the token as it allows. */
  | { readonly kind: 'token-used-up' }

/** Number of uploads that may be created with one token. */
export interface TokenLimit {
  /** The token's `jti`: 1 to 255 printable ASCII characters. */
  readonly tokenId: string
  readonly maxUploads: number
}

/** Rules checked atomically with the write of a reservation, so concurrent requests cannot exceed them. */
export interface ReserveOptions {
  /** Quota per creator in seconds; null for no limit. */
  readonly creatorQuotaSeconds: number | null
  /** Keys used before this time have expired. */
  readonly keysValidSince: Date
  /** Checked before the quota. Null or omitted: any number of uploads. */
  readonly tokenLimit?: TokenLimit | null
}

/** Filter for uploads. All given conditions must hold. */
export interface UploadFilter {
  readonly creator?: string
  /** Any of these; an empty list matches nothing. */
  readonly statuses?: readonly UploadStatus[]
  readonly protocol?: UploadProtocol
  readonly createdAfter?: Date
  readonly createdBefore?: Date
}

/** Maximum of counts without a stored total; this value means that many or more. */
export const COUNT_LIMIT = 10_000

/** Whether the filter's count is read from stored totals: exact, at constant cost. */
export function hasTotal({ createdAfter, createdBefore }: UploadFilter): boolean {
  return createdAfter === undefined && createdBefore === undefined
}

/** Cursor in the list, which is ordered by creation time, newest first, then by id. */
export interface UploadCursor {
  readonly createdAt: Date
  readonly id: string
}

/** A range of the list on one side of a cursor, nearest to it first. */
export interface ListRange {
  /** `older` lists from newest to oldest, `newer` from oldest to newest. */
  readonly direction: 'older' | 'newer'
  /** Exclusive start; the end of the list where `direction` starts if omitted. */
  readonly from?: UploadCursor
  readonly limit: number
}

/** Seconds of video that are reserved or stored. */
export interface QuotaUsage {
  readonly reservedSeconds: number
  readonly storedSeconds: number
}

/** A new version of an upload to record. */
export interface UploadChange {
  readonly upload: Upload
  /** Null if the status does not change. */
  readonly event: UploadEvent | null
  /** Quota usage of the upload from now on. */
  readonly quotaUsage: QuotaUsage
  /** Next poll of Stream; null for never. */
  readonly pollAt: Date | null
  /** Recorded with the version; null if the application is not told of it. */
  readonly callback: CallbackWrite | null
}

/** An upload that is due for polling, with its count of polls without a change. */
export interface DueUpload {
  readonly upload: Upload
  readonly idlePolls: number
  /** Consecutive polls in which Stream did not know the video and nothing was concluded. */
  readonly missingPolls: number
}

/**
 * Upper bounds of a scheduled poll's delay, in milliseconds: for uploads that Stream still processes, and
 * for any upload. A later poll was scheduled under a wrong clock; `runMaintenance` makes it due immediately.
 */
export const MAX_POLL_DELAY_MS = { open: 600_000, any: 90_000_000 } as const
/** Maximum age in milliseconds of uploads that Stream still processes; URLs are usable for six hours. */
export const MAX_OPEN_UPLOAD_AGE_MS = 86_400_000

/** Schedule of an upload's next poll; `pollAt` null for never. */
export interface ScheduledPoll {
  readonly uid: string
  /** Version that this was decided for; ignored for a newer version, which has its own schedule. */
  readonly version: number
  readonly pollAt: Date | null
  readonly idlePolls: number
  /** See `DueUpload`. @default 0 */
  readonly missingPolls?: number
}

/** The lease of the orphan sweep. */
export interface SweepLease {
  /** Time up to which any gateway has swept; null if unknown. */
  readonly sweptUntil: Date | null
}

/** A value or a promise of it. */
export type MaybePromise<T> = T | Promise<T>

/**
 * The port. Resolved writes are durable. Every call rejects with `StoreUnavailable` if the database does not
 * respond.
 */
export interface UploadStore {
  /** Distinguishes this gateway's uploads from others in the same account; never changes. */
  readonly deployment: string
  /** Whether other gateways may use the same store concurrently. */
  readonly isShared: boolean
  /** The outbox of callbacks, in the same database. */
  readonly callbacks: CallbackStore

  /**
   * Records the uploads' Stream account if none is recorded or no upload was minted yet; with `replace`
   * always. Returns the recorded account.
   */
  recordAccount(account: string, options?: { readonly replace: boolean }): Promise<string>

  /** Records the reservation unless its key is in use, its token is used up, or it exceeds the quota. */
  reserve(reservation: Reservation, options: ReserveOptions): Promise<ReserveOutcome>
  /** Finds the reservation or upload created with this key at or after `since`; null if there is none. */
  findByKey(requestedBy: string, key: string, since: Date): Promise<IdempotentUpload | null>
  /**
   * Turns the reservation into an upload with its first event; null if it no longer exists.
   * @param reservation as it was recorded
   * @param callback recorded with the upload; null or omitted if the application is not told of it
   */
  mint(
    reservation: Reservation,
    minted: Pick<Upload, 'uid' | 'uploadURL'>,
    at: Date,
    pollAt: Date,
    callback?: CallbackWrite | null,
  ): Promise<Upload | null>
  /** Deletes a reservation that Stream rejected; never touches an upload. */
  release(id: string): Promise<void>
  /** Returns reservations created before this time with unknown outcome, oldest first. */
  pendingReservations(before: Date, limit: number): Promise<readonly Reservation[]>
  /**
   * Retires a reservation with unknown outcome: frees its quota and its key. The reference is kept, because
   * Stream may have created the video anyway.
   */
  retire(id: string): Promise<void>
  /** Deletes retired references reserved before this time. */
  deleteRetiredBefore(before: Date): Promise<void>
  /** Returns the status of those references that this store knows. */
  findReferences(ids: readonly string[]): Promise<ReadonlyMap<string, ReferenceStatus>>

  /**
   * Returns the upload, synchronously if the adapter can, because most reads are for one upload. A synchronous
   * adapter throws instead of rejecting.
   */
  find(uid: string): MaybePromise<Upload | null>
  /** Returns the existing ones of these uploads, in no particular order. */
  findMany(uids: readonly string[]): Promise<readonly Upload[]>
  /** Returns events by upload id, oldest first. */
  historyOf(ids: readonly string[]): Promise<ReadonlyMap<string, readonly UploadEvent[]>>
  /** Reads at most `range.limit` rows per status and protocol in the filter. */
  list(filter: UploadFilter, range: ListRange): Promise<readonly Upload[]>
  /** Exact if `hasTotal(filter)`; otherwise counts rows up to COUNT_LIMIT. */
  count(filter: UploadFilter): Promise<number>
  /** Counts the uploads of every status, zeros included, at constant cost. */
  countByStatus(): Promise<ReadonlyMap<UploadStatus, number>>
  /** Counts reservations that wait for Stream's response, without retired ones. */
  countReservations(): Promise<number>
  /**
   * Counts the uploads and reservations with this token. A reservation that was released or retired does not
   * count, an upload always does, whatever became of it.
   */
  countByToken(tokenId: string): Promise<number>
  /** Quota usage of one creator, or of all. */
  quotaUsage(creator?: string): Promise<QuotaUsage>

  /**
   * Records the next version with its event. False if another version was recorded in the meantime: the caller
   * reads the upload and decides again.
   */
  saveVersion(change: UploadChange): Promise<boolean>
  /**
   * Acquires the lease under which an upload is changed at Stream, until its release or `until`, and schedules a
   * poll then: it records a change that Stream confirmed, but that a crash kept from being recorded. Returns
   * the end of the lease, by which it is released; null if another change holds it, or there is no such upload.
   */
  acquireChangeLease(uid: string, now: Date, until: Date): Promise<Date | null>
  /** Releases the lease that ends then; ignored if it was acquired by another change since. */
  releaseChangeLease(uid: string, until: Date): Promise<void>
  /** Returns up to `limit` uploads with `pollAt <= now`, the longest due first. */
  findDue(now: Date, limit: number): Promise<readonly DueUpload[]>
  /**
   * Records until `until` which uploads this gateway watches. With `acquireLease` it also acquires or renews
   * the poll lease; the holder gets the watched uids of all gateways, sorted. Null without `acquireLease`, or if
   * another gateway holds the lease.
   */
  renewWatchLeases(
    uids: readonly string[],
    now: Date,
    until: Date,
    acquireLease: boolean,
  ): Promise<readonly string[] | null>
  /** Returns the earliest scheduled poll, in the past or future; null if there is none. */
  oldestDuePoll(): Promise<Date | null>
  reschedulePolls(polls: readonly ScheduledPoll[]): Promise<void>

  /** Stores a webhook for a uid without an upload; the same body is stored once. */
  saveUnmatchedWebhook(uid: string, body: string, receivedAt: Date): Promise<void>
  /** Returns the stored webhook bodies for this uid, oldest first. */
  unmatchedWebhooks(uid: string): Promise<readonly string[]>
  deleteUnmatchedWebhooks(uid: string): Promise<void>
  /** Deletes webhooks received before this time and returns their number. */
  deleteUnmatchedWebhooksBefore(before: Date): Promise<number>

  /** Acquires the sweep lease until its release or `until`; null if another gateway holds it. */
  acquireSweepLease(now: Date, until: Date): Promise<SweepLease | null>
  /** Releases the lease and records `sweptUntil`; null leaves the recorded value. */
  releaseSweepLease(sweptUntil: Date | null): Promise<void>

  /**
   * Runs the adapter's periodic maintenance, and makes polls due that were scheduled under a wrong clock.
   * Called in each sync run.
   */
  runMaintenance(now: Date): Promise<void>

  /** Throws if the database is unreachable. */
  ping(): Promise<void>
  close(): Promise<void>
}
