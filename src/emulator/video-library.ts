/** The account's videos in SQLite. Each change is one guarded statement or one transaction. */
import type { EmulatorDatabase } from './database.ts'
import type { MediaFacts } from './media-facts.ts'
import { StorageTally } from './storage-tally.ts'
import { storageTotals, type StorageTotals } from './storage.ts'
import { rowToVideo, videoToRow, type VideoRow } from './video-row.ts'
import type { Video } from './video.ts'

/** What an update may change; everything else of a video follows from its upload. */
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

/** Which rows a list call reads before its other conditions are looked at. */
export interface RowSelection {
  readonly uids: readonly string[] | null
  readonly creator: string | null
  /** At or after, in microseconds. */
  readonly from: number
  /** Before, in microseconds. */
  readonly until: number
  readonly ascending: boolean
  /** Only those that wait for their file. */
  readonly waiting: boolean
}

/** All of the account's, the newest first. */
export const everyVideo: RowSelection = {
  uids: null,
  creator: null,
  from: 0,
  until: Number.MAX_SAFE_INTEGER,
  ascending: false,
  waiting: false,
}

const COLUMNS = [
  'uid, kind, upload_id, creator, meta, allowed_origins, require_signed_urls',
  'scheduled_deletion, thumbnail_timestamp_pct, public_details, max_duration_seconds',
  'upload_expiry, upload_length, upload_metadata, created_us, changed_at, received_at',
  'finishes_at, size_bytes, media',
].join(', ')
const PLACES = COLUMNS.split(', ')
  .map((column) => `@${column}`)
  .join(', ')

export class VideoLibrary {
  readonly #database: EmulatorDatabase

  readonly #tally: StorageTally

  constructor(database: EmulatorDatabase) {
    this.#database = database
    this.#tally = new StorageTally({
      sum: (now) => storageTotals(database, now),
      passing: (after, until) => this.#passing(after, until),
    })
  }

  /** The account's storage at `now`. */
  storage(now: number): StorageTotals {
    return this.#tally.totals(now)
  }

  /** Keeps a new video under a `created` that no other has: the given one, or just after the last. */
  insert(video: Video): Video {
    const last = this.#database
      .prepare<[], { last: number | null }>('SELECT max(created_us) AS last FROM videos')
      .get()
    const created = Math.max(video.createdMicroseconds, (last?.last ?? 0) + 1)
    const kept = { ...video, createdMicroseconds: created }
    this.#database
      .prepare(`INSERT INTO videos (${COLUMNS}) VALUES (${PLACES})`)
      .run(videoToRow(kept))
    this.#tally.changed(null, kept)
    return kept
  }

  /** Null where the account has no such video (any more). */
  find(uid: string): Video | null {
    const row = this.#database
      .prepare<[string], VideoRow>('SELECT * FROM videos WHERE uid = ?')
      .get(uid)
    return row === undefined ? null : rowToVideo(row)
  }

  /** By the last part of its upload URL. */
  findByUploadId(uploadId: string): Video | null {
    const row = this.#database
      .prepare<[string], VideoRow>('SELECT * FROM videos WHERE upload_id = ?')
      .get(uploadId)
    return row === undefined ? null : rowToVideo(row)
  }

  /**
   * By creation, row by row as they are asked for. Conditions that depend on the time are the
   * caller's; the database takes no other question until the last row, or until the caller stops.
   */
  *select(selection: RowSelection): IterableIterator<Video> {
    const order = selection.ascending ? 'ASC' : 'DESC'
    const rows = this.#database
      .prepare<SelectionParameters, VideoRow>(
        `SELECT * FROM videos WHERE ${conditionsOf(selection)} ORDER BY created_us ${order}`,
      )
      .iterate(parametersOf(selection))
    for (const row of rows) yield rowToVideo(row)
  }

  /** How many `select` would find. */
  count(selection: RowSelection): number {
    const row = this.#database
      .prepare<SelectionParameters, { count: number }>(
        `SELECT count(*) AS count FROM videos WHERE ${conditionsOf(selection)}`,
      )
      .get(parametersOf(selection))
    return row?.count ?? 0
  }

  update(uid: string, change: VideoChange, now: number): Video | null {
    const video = this.find(uid)
    if (video === null) return null
    const row = videoToRow({ ...video, ...change, changedAt: now })
    this.#database
      .prepare(
        `UPDATE videos SET allowed_origins = @allowed_origins, creator = @creator,
           max_duration_seconds = @max_duration_seconds, meta = @meta,
           public_details = @public_details, require_signed_urls = @require_signed_urls,
           scheduled_deletion = @scheduled_deletion, upload_expiry = @upload_expiry,
           thumbnail_timestamp_pct = @thumbnail_timestamp_pct, changed_at = @changed_at
         WHERE uid = @uid`,
      )
      .run(row)
    const changed = this.find(uid)
    this.#tally.changed(video, changed)
    return changed
  }

  /** The last byte is in. False when the video is gone or was received before: only one wins. */
  markReceived(uid: string, sizeBytes: number, now: number, encodeMs: number): boolean {
    const done = this.#tallied(uid, () =>
      this.#database
        .prepare(
          `UPDATE videos SET received_at = ?, finishes_at = ?, size_bytes = ?
           WHERE uid = ? AND received_at IS NULL`,
        )
        .run(now, now + encodeMs, sizeBytes, uid),
    )
    return done.changes === 1
  }

  /** What the file is. From here on a notice is owed for the end of processing. */
  setMedia(uid: string, media: MediaFacts): void {
    const stored = media.failure === null ? Math.ceil(media.durationSeconds ?? 0) : 0
    const change = this.#database.transaction(() => {
      const done = this.#database
        .prepare('UPDATE videos SET media = ?, stored_seconds = ? WHERE uid = ? AND media IS NULL')
        .run(JSON.stringify(media), stored, uid)
      if (done.changes === 0) return
      this.#database
        .prepare(
          `INSERT OR IGNORE INTO notices (uid, due_at, attempts)
           SELECT uid, finishes_at, 0 FROM videos WHERE uid = ?`,
        )
        .run(uid)
    })
    this.#tallied(uid, change)
  }

  /** False when there was nothing to delete. */
  remove(uid: string): boolean {
    const removal = this.#database.transaction(() => {
      this.#database.prepare('DELETE FROM notices WHERE uid = ?').run(uid)
      return this.#database.prepare('DELETE FROM videos WHERE uid = ?').run(uid).changes === 1
    })
    return this.#tallied(uid, removal)
  }

  /** Videos whose `scheduledDeletion` has come. */
  uidsDueForDeletion(now: number): string[] {
    return this.#database
      .prepare<[number], { uid: string }>('SELECT uid FROM videos WHERE scheduled_deletion <= ?')
      .all(now)
      .map((row) => row.uid)
  }

  /** What a killed process may have left half done: tus files not closed, received ones not read. */
  unsettled(): Video[] {
    return this.#database
      .prepare<[], VideoRow>(
        `SELECT * FROM videos WHERE (received_at IS NULL AND kind = 'tus')
           OR (received_at IS NOT NULL AND media IS NULL)`,
      )
      .all()
      .map(rowToVideo)
  }

  removeAll(): string[] {
    this.#tally.forget()
    return this.#database.transaction(() => {
      this.#database.prepare('DELETE FROM notices').run()
      return this.#database
        .prepare<[], { uid: string }>('DELETE FROM videos RETURNING uid')
        .all()
        .map((row) => row.uid)
    })()
  }

  /** Does the work on one video, and tells the tally what became of it. */
  #tallied<Result>(uid: string, work: () => Result): Result {
    const before = this.find(uid)
    const result = work()
    this.#tally.changed(before, this.find(uid))
    return result
  }

  *#passing(after: number, until: number): IterableIterator<Video> {
    const rows = this.#database
      .prepare<{ after: number; until: number }, VideoRow>(
        `SELECT * FROM videos
           WHERE received_at IS NULL AND upload_expiry > @after AND upload_expiry <= @until
         UNION ALL
         SELECT * FROM videos WHERE finishes_at > @after AND finishes_at <= @until`,
      )
      .iterate({ after, until })
    for (const row of rows) yield rowToVideo(row)
  }
}

/** Only what is asked for stands in the question, so that SQLite finds the index that fits it. */
function conditionsOf(selection: RowSelection): string {
  return [
    // The sign keeps SQLite from walking through all of creation in search of a few uids.
    `${selection.uids === null ? '' : '+'}created_us BETWEEN @from AND @until - 1`,
    ...(selection.creator === null ? [] : ['creator = @creator']),
    ...(selection.uids === null ? [] : ['uid IN (SELECT value FROM json_each(@uids))']),
    ...(selection.waiting ? ['received_at IS NULL'] : []),
  ].join(' AND ')
}

interface SelectionParameters {
  readonly from: number
  readonly until: number
  readonly creator: string | null
  readonly uids: string | null
}

function parametersOf({ from, until, creator, uids }: RowSelection): SelectionParameters {
  return { from, until, creator, uids: uids === null ? null : JSON.stringify(uids) }
}
