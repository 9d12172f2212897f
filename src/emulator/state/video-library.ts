/** The account's videos in SQLite. Each write is one guarded statement or one transaction. */
import { type EmulatorDatabase, OUTBOX_TABLE } from './database.ts'
import type { MediaInfo } from '../media/media-info.ts'
import { CachedStorageTotals } from './storage-totals.ts'
import { storageTotals, type StorageTotals } from './storage.ts'
import { rowToVideo, videoToRow, type VideoRow } from './video-row.ts'
import { prepareVideoStatements, type VideoStatements } from './video-statements.ts'
import type { Video } from './video.ts'

/** Fields that an update may change; all others follow from the upload. */
export type VideoChange = Partial<
  Pick<
    Video,
    | 'allowedOrigins'
    | 'creator'
    | 'maxDurationSeconds'
    | 'meta'
    | 'publicDetails'
    | 'requireSignedURLs'
    | 'scheduledDeletion'
    | 'thumbnailTimestampPct'
    | 'uploadExpiry'
  >
>

/** Row filter of a list call; its other conditions are applied to the rows afterwards. */
export interface RowFilter {
  readonly uids: readonly string[] | null
  readonly creator: string | null
  /** Creation time in microseconds, inclusive. */
  readonly from: number
  /** Creation time in microseconds, exclusive. */
  readonly until: number
  readonly ascending: boolean
  /** Only videos without a received file. */
  readonly waiting: boolean
}

/** All videos of the account, newest first. */
export const ALL_VIDEOS: RowFilter = {
  uids: null,
  creator: null,
  from: 0,
  until: Number.MAX_SAFE_INTEGER,
  ascending: false,
  waiting: false,
}

export class VideoLibrary {
  readonly #database: EmulatorDatabase
  readonly #statements: VideoStatements
  readonly #totals: CachedStorageTotals

  constructor(database: EmulatorDatabase) {
    this.#database = database
    this.#statements = prepareVideoStatements(database)
    this.#totals = new CachedStorageTotals({
      sum: (now) => storageTotals(database, now),
      passedTime: (after, until) => this.#statements.passedTime(after, until),
    })
  }

  /** Returns the account's storage totals at `now`. */
  storage(now: number): StorageTotals {
    return this.#totals.totals(now)
  }

  /** Inserts a video. `created` is unique: as passed, or one microsecond after the last. */
  insert(video: Video): Video {
    const last = this.#statements.lastCreated()
    const created = Math.max(video.createdMicroseconds, last + 1)
    const unique = { ...video, createdMicroseconds: created }
    this.#statements.insert(videoToRow(unique))
    this.#totals.applyChange(null, unique)
    return unique
  }

  /** Returns null when the account has no such video. */
  find(uid: string): Video | null {
    const row = this.#statements.find(uid)
    return row === undefined ? null : rowToVideo(row)
  }

  /** Finds a video by the last path segment of its upload URL. */
  findByUploadId(uploadId: string): Video | null {
    const row = this.#statements.findByUploadId(uploadId)
    return row === undefined ? null : rowToVideo(row)
  }

  /**
   * Reads rows lazily, ordered by creation. The caller applies conditions that depend on the
   * current time. Writes to the database fail until the last row is read or the caller stops.
   */
  *select(filter: RowFilter): IterableIterator<Video> {
    const order = filter.ascending ? 'ASC' : 'DESC'
    const rows = this.#database
      .prepare<FilterParameters, VideoRow>(
        `SELECT * FROM videos WHERE ${conditionsOf(filter)} ORDER BY created_us ${order}`,
      )
      .iterate(parametersOf(filter))
    for (const row of rows) yield rowToVideo(row)
  }

  /** Returns the number of rows that `select` would return. */
  count(filter: RowFilter): number {
    const row = this.#database
      .prepare<FilterParameters, { count: number }>(
        `SELECT count(*) AS count FROM videos WHERE ${conditionsOf(filter)}`,
      )
      .get(parametersOf(filter))
    return row?.count ?? 0
  }

  /** Returns the updated video; null when the account has no such video. */
  update(uid: string, change: VideoChange, now: number): Video | null {
    const video = this.find(uid)
    if (video === null) return null
    const row = videoToRow({ ...video, ...change, changedAt: now })
    this.#statements.update(row)
    const changed = this.find(uid)
    this.#totals.applyChange(video, changed)
    return changed
  }

  /** Marks the file as received. Returns false when the video is deleted or already received. */
  markReceived(uid: string, sizeBytes: number, now: number, encodeMs: number): boolean {
    const changes = this.#withTotals(uid, () =>
      this.#statements.markReceived(uid, now, now + encodeMs, sizeBytes),
    )
    return changes === 1
  }

  /** Records that reading starts: after a crash, the next process does not read the file again. */
  startReading(uid: string): void {
    this.#statements.startReading(uid)
  }

  /** Removes the record after reading stopped for a reason other than the file's content. */
  stopReading(uid: string): void {
    this.#statements.endReading(uid)
  }

  /** Returns true after a restart for a file that was being read when the last process ended. */
  isReading(uid: string): boolean {
    return this.#statements.isReading(uid)
  }

  /** Stores the media info and adds a webhook for the end of processing to the outbox. */
  setMedia(uid: string, media: MediaInfo): void {
    const stored = media.failure === null ? Math.ceil(media.durationSeconds ?? 0) : 0
    const change = this.#database.transaction(() => {
      const changes = this.#statements.setMedia(uid, JSON.stringify(media), stored)
      if (changes > 0) this.#statements.addToOutbox(uid)
      this.#statements.endReading(uid)
    })
    this.#withTotals(uid, change)
  }

  /** Returns false when no such video exists. */
  remove(uid: string): boolean {
    const removal = this.#database.transaction(() => {
      this.#statements.removeFromOutbox(uid)
      this.#statements.endReading(uid)
      return this.#statements.remove(uid) === 1
    })
    return this.#withTotals(uid, removal)
  }

  /** Returns the unfinished tus uploads that expired in `(after, until]`. */
  expiredTusUploads(after: number, until: number): string[] {
    return this.#statements.expiredTusUploads(after, until)
  }

  /** Returns true for a video whose file is needed: for all but those that failed. */
  needsFile(uid: string): boolean {
    return this.#statements.needsFile(uid)
  }

  /** Returns the videos whose `scheduledDeletion` has passed. */
  uidsDueForDeletion(now: number): string[] {
    return this.#statements.uidsDueForDeletion(now)
  }

  /** Returns the received files without media info, creators in turn. */
  unreadFiles(): string[] {
    return this.#statements.unreadFiles()
  }

  /** Returns those of the videos that are unfinished tus uploads, creators in turn. */
  openTusUploads(uids: readonly string[]): string[] {
    return this.#statements.openTusUploads(uids)
  }

  /** Removes all videos and the outbox. Returns the removed uids. */
  removeAll(): string[] {
    this.#totals.invalidate()
    return this.#database.transaction(() => {
      this.#database.prepare(`DELETE FROM ${OUTBOX_TABLE}`).run()
      this.#database.prepare('DELETE FROM media_readings').run()
      return this.#database
        .prepare<[], { uid: string }>('DELETE FROM videos RETURNING uid')
        .all()
        .map((row) => row.uid)
    })()
  }

  /** Runs a write on one video and applies the change to the totals. */
  #withTotals<Result>(uid: string, work: () => Result): Result {
    const before = this.find(uid)
    const result = work()
    this.#totals.applyChange(before, this.find(uid))
    return result
  }
}

/** Contains only the conditions of the filter, so that SQLite chooses the matching index. */
function conditionsOf(filter: RowFilter): string {
  return [
    // The unary plus keeps SQLite from scanning the creation index for a few uids.
    `${filter.uids === null ? '' : '+'}created_us BETWEEN @from AND @until - 1`,
    ...(filter.creator === null ? [] : ['creator = @creator']),
    ...(filter.uids === null ? [] : ['uid IN (SELECT value FROM json_each(@uids))']),
    ...(filter.waiting ? ['received_at IS NULL'] : []),
  ].join(' AND ')
}

interface FilterParameters {
  readonly from: number
  readonly until: number
  readonly creator: string | null
  readonly uids: string | null
}

function parametersOf({ from, until, creator, uids }: RowFilter): FilterParameters {
  return { from, until, creator, uids: uids === null ? null : JSON.stringify(uids) }
}
