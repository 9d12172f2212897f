/**
 * The port to the gateway's memory. Every change of state is one guarded operation that says whether
 * it happened, so that SQLite, D1 and PostgreSQL promise the same and nothing is held across an await.
 */
import type {
  Upload,
  UploadEvent,
  UploadProtocol,
  UploadStatus,
  UploadTerms,
} from '../upload.ts'

/** An upload that was written down before Stream was asked: it has no uid yet. */
export interface Reservation extends UploadTerms {
  /** Exact size in bytes, where declared (tus). */
  readonly totalBytes: number | null
  /** At most 255 characters, unique per creator while it is remembered. */
  readonly idempotencyKey: string | null
  /**
   * Equal for equal inputs, so that a key that comes back can be told from one used twice; empty
   * without a key.
   */
  readonly fingerprint: string
  /** Who asked; differs from `creator` where an administrator mints for somebody else. */
  readonly requestedBy: string
}

/** What became of a reference: an upload with its uid, or (null) nothing yet, or given up. */
export interface ReferenceFate {
  readonly uid: string | null
  readonly retired: boolean
}

/** What a key stands for: an upload, or (null) a reservation whose outcome is not known (yet). */
export interface KeyedUpload {
  readonly reservation: Reservation
  readonly upload: Upload | null
}

/** What became of an attempt to reserve. */
export type ReserveOutcome =
  | { readonly kind: 'reserved' }
  /** The key is in use. */
  | ({ readonly kind: 'taken' } & KeyedUpload)
  /** The creator already holds so many seconds that this does not fit. */
  | { readonly kind: 'over-quota'; readonly heldSeconds: number }

/** What a reservation is checked against while it is written, so that races cannot pass it. */
export interface ReserveRules {
  /** Seconds that the creator may hold; null for no limit. */
  readonly creatorQuotaSeconds: number | null
  /** Keys used before this are forgotten. */
  readonly forgetKeysBefore: Date
}

/** Which uploads: all given conditions hold together. */
export interface UploadSelection {
  readonly creator?: string
  /** Any of these; an empty list selects nothing. */
  readonly statuses?: readonly UploadStatus[]
  readonly protocol?: UploadProtocol
  readonly createdAfter?: Date
  readonly createdBefore?: Date
}

/** The highest count of uploads that are counted one by one: it stands for so many or more. */
export const COUNT_LIMIT = 10_000

/** Whether the count of these is read from totals: exact, and at the same cost however many there are. */
export function hasTotal({ createdAfter, createdBefore }: UploadSelection): boolean {
  return createdAfter === undefined && createdBefore === undefined
}

/** A place in the list, which is ordered by creation, newest first, and then by id. */
export interface UploadPosition {
  readonly createdAt: Date
  readonly id: string
}

/** A stretch of the list on one side of a position, nearest to it first. */
export interface UploadStretch {
  /** `older` goes down the list from the newest, `newer` up from the oldest. */
  readonly towards: 'older' | 'newer'
  /** Left out: from the end of the list that one comes from. The position itself is not included. */
  readonly from?: UploadPosition
  readonly limit: number
}

/** Seconds of video that are held back or stored. */
export interface Holdings {
  readonly reservedSeconds: number
  readonly storedSeconds: number
}

/** A new version of an upload, as it is recorded. */
export interface RecordedChange {
  readonly upload: Upload
  /** Null where the status stays. */
  readonly event: UploadEvent | null
  /** What the upload holds from now on. */
  readonly holds: Holdings
  /** When to ask Stream about it next; null for never. */
  readonly checkAt: Date | null
}

/** An upload that synchronisation should ask Stream about, and how often it asked in vain. */
export interface DueUpload {
  readonly upload: Upload
  readonly idleChecks: number
  /** When its time came. */
  readonly dueAt: Date
  /** Polls in a row in which Stream did not know it and nothing was concluded from that. */
  readonly missingChecks: number
}

/**
 * No poll is scheduled further ahead, in milliseconds: of an upload that Stream still works on, and of any.
 * One that is was scheduled by a clock that was wrong, and is due at once: see `tidy`.
 */
export const LONGEST_POLL_PAUSE_MS = { open: 600_000, any: 90_000_000 } as const
/** Uploads that Stream still works on are younger, in milliseconds; links are usable for six hours. */
export const OPEN_UPLOADS_SINCE_MS = 86_400_000

/** When to ask Stream about an upload next; null for never. */
export interface NextCheck {
  readonly uid: string
  /** Of the upload that this was decided for: a newer version has its own time already. */
  readonly version: number
  readonly checkAt: Date | null
  readonly idleChecks: number
  /** See `DueUpload`. @default 0 */
  readonly missingChecks?: number
}

/** The turn to sweep for orphans. */
export interface Sweep {
  /** Up to when orphans were swept, by whichever gateway; null where nobody knows. */
  readonly sweptUntil: Date | null
}

/** What may be there at once, or is on its way. */
export type Soon<T> = T | Promise<T>

/**
 * The port. Everything that resolves is durable. Whatever it is asked rejects with `StoreUnavailable`
 * where the database does not answer.
 */
export interface UploadStore {
  /** Tells this gateway's uploads from those of others on the same account; never changes. */
  readonly deployment: string
  /** Whether other gateways may work on the same uploads at the same time. */
  readonly isShared: boolean

  /**
   * Notes the Stream account that the uploads belong to, where none is noted or no upload was minted
   * yet; with `replace`, in any case. Returns the account that is noted.
   */
  noteAccount(account: string, options?: { readonly replace: boolean }): Promise<string>

  /** Writes the reservation down, unless its key is taken or it does not fit. */
  reserve(reservation: Reservation, rules: ReserveRules): Promise<ReserveOutcome>
  /** What was made with this key since then; null where nothing was. */
  findByKey(requestedBy: string, key: string, since: Date): Promise<KeyedUpload | null>
  /** Makes the reservation an upload with its first event; null when it is no longer there. */
  mint(
    id: string,
    minted: Pick<Upload, 'uid' | 'uploadURL'>,
    at: Date,
    checkAt: Date,
  ): Promise<Upload | null>
  /** Forgets a reservation that Stream refused; an upload is never touched. */
  release(id: string): Promise<void>
  /** Reservations made before this whose outcome is still not known, oldest first. */
  unsettled(before: Date, limit: number): Promise<readonly Reservation[]>
  /**
   * Gives up a reservation whose outcome nobody knows. It holds nothing any more and its key is free,
   * but its reference is remembered, for Stream may turn out to have done the work after all.
   */
  retire(id: string): Promise<void>
  /** Forgets references that were given up and reserved before this. */
  dropRetiredBefore(before: Date): Promise<void>
  /** What became of those of the references that are known here. */
  knownReferences(ids: readonly string[]): Promise<ReadonlyMap<string, ReferenceFate>>

  /**
   * At once where the keeper has it at hand: by far the most of what is asked asks for one upload. What
   * goes wrong there is thrown and not rejected.
   */
  find(uid: string): Soon<Upload | null>
  /** Those of the uids that there are, in no particular order. */
  findMany(uids: readonly string[]): Promise<readonly Upload[]>
  /** Events oldest first, by the id of the upload. */
  historyOf(ids: readonly string[]): Promise<ReadonlyMap<string, readonly UploadEvent[]>>
  /** Examines at most as many uploads of each status and protocol asked for as the stretch has. */
  list(selection: UploadSelection, stretch: UploadStretch): Promise<readonly Upload[]>
  /** Exact where the selection has a total; else counted one by one up to COUNT_LIMIT, which it returns for more. */
  count(selection: UploadSelection): Promise<number>
  /** How many uploads stand in each status, none left out; costs the same however many there are. */
  countByStatus(): Promise<ReadonlyMap<UploadStatus, number>>
  /** How many reservations wait for Stream's answer; given up ones are not among them. */
  countReservations(): Promise<number>
  /** Of one creator, or of all. */
  holdings(creator?: string): Promise<Holdings>

  /**
   * Records the next version with its event. False when somebody else recorded a version in
   * between: read again and decide anew.
   */
  advance(change: RecordedChange): Promise<boolean>
  /**
   * Uploads whose time to be asked after has come, most overdue first. They are whoever's that asked:
   * until `until`, or their next change or rescheduling, they are due for nobody.
   */
  claimDue(now: Date, limit: number, until: Date): Promise<readonly DueUpload[]>
  /**
   * Notes until `until` what is watched at this gateway. Where it `asks`, it also takes or keeps for as
   * long the turn to ask Stream for all gateways: then this returns what is noted by any of them, in
   * order. Null where it does not ask, or another has the turn.
   */
  noteWatched(
    uids: readonly string[],
    now: Date,
    until: Date,
    asks: boolean,
  ): Promise<readonly string[] | null>
  /** The earliest time at which any upload is to be asked after, past or not; null where none is. */
  oldestDue(): Promise<Date | null>
  reschedule(checks: readonly NextCheck[]): Promise<void>

  /** Keeps a notice about a video that is not known (yet); the same body only once. */
  keepNotice(uid: string, body: string, receivedAt: Date): Promise<void>
  /** Notices kept for this video, oldest first. */
  keptNotices(uid: string): Promise<readonly string[]>
  dropNotices(uid: string): Promise<void>
  /** Drops notices that were kept before this; says how many. */
  dropNoticesBefore(before: Date): Promise<number>

  /** The turn to sweep, until it is ended or `until`; null where another gateway has it. */
  beginSweep(now: Date, until: Date): Promise<Sweep | null>
  /** Gives the turn back. `sweptUntil` is remembered; null where that did not change. */
  endSweep(sweptUntil: Date | null): Promise<void>

  /**
   * What the adapter does now and then to stay fast; and polls that were scheduled by a clock that was
   * wrong are due at once. Asked for with each round of synchronization.
   */
  tidy(now: Date): Promise<void>

  /** Throws where the database cannot be reached. */
  ping(): Promise<void>
  close(): Promise<void>
}
