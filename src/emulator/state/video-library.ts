/** The account's videos in SQLite. Each change is one guarded statement or one transaction. */
import type { EmulatorDatabase } from './database.ts'
import type { MediaFacts } from '../media/media-info.ts'
import { StorageTally } from './storage-totals.ts'
import { storageTotals, type StorageTotals } from './storage.ts'
import { rowToVideo, videoToRow, type VideoRow } from './video-row.ts'
import { prepareVideoStatements, type VideoStatements } from './video-statements.ts'
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

export class VideoLibrary {
  readonly #database: EmulatorDatabase
  readonly #statements: VideoStatements
  readonly #tally: StorageTally

  constructor(database: EmulatorDatabase) {
    this.#database = database
    this.#statements = prepareVideoStatements(database)
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
    const last = this.#statements.lastCreated()
    const created = Math.max(video.createdMicroseconds, last + 1)
    const kept = { ...video, createdMicroseconds: created }
    this.#statements.insert(videoToRow(kept))
    this.#tally.changed(null, kept)
    return kept
  }

  /** Null where the account has no such video (any more). */
  find(uid: string): Video | null {
    const row = this.#statements.find(uid)
    return row === undefined ? null : rowToVideo(row)
  }

  /** By the last part of its upload URL. */
  findByUploadId(uploadId: string): Video | null {
    const row = this.#statements.findByUploadId(uploadId)
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
    this.#statements.update(row)
    const changed = this.find(uid)
    this.#tally.changed(video, changed)
    return changed
  }

  /** The last byte is in. False when the video is gone or was received before: only one wins. */
  markReceived(uid: string, sizeBytes: number, now: number, encodeMs: number): boolean {
    const changes = this.#tallied(uid, () =>
      this.#statements.markReceived(uid, now, now + encodeMs, sizeBytes),
    )
    return changes === 1
  }

  /**
   * Records, before it happens, that the file is being read: a file that ends the process is then not
   * read again by the next.
   */
  startReading(uid: string): void {
    this.#statements.startReading(uid)
  }

  /** Reading was stopped for another reason than the file's bytes. */
  stopReading(uid: string): void {
    this.#statements.endReading(uid)
  }

  /** True after a restart for a file that was being read when the last process ended. */
  isReading(uid: string): boolean {
    return this.#statements.isReading(uid)
  }

  /** What the file is. From here on a notice is owed for the end of processing. */
  setMedia(uid: string, media: MediaFacts): void {
    const stored = media.failure === null ? Math.ceil(media.durationSeconds ?? 0) : 0
    const change = this.#database.transaction(() => {
      const changes = this.#statements.setMedia(uid, JSON.stringify(media), stored)
      if (changes > 0) this.#statements.oweNotice(uid)
      this.#statements.endReading(uid)
    })
    this.#tallied(uid, change)
  }

  /** False when there was nothing to delete. */
  remove(uid: string): boolean {
    const removal = this.#database.transaction(() => {
      this.#statements.removeNotice(uid)
      this.#statements.endReading(uid)
      return this.#statements.remove(uid) === 1
    })
    return this.#tallied(uid, removal)
  }

  /** Videos whose `scheduledDeletion` has come. */
  uidsDueForDeletion(now: number): string[] {
    return this.#statements.uidsDueForDeletion(now)
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
      this.#database.prepare('DELETE FROM media_readings').run()
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
    const rows = this.#statements.passing(after, until)
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
