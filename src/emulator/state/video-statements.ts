/** Prepared statements of the video library: preparing a statement costs more than running it. */
import { type EmulatorDatabase, OUTBOX_TABLE } from './database.ts'
import { NO_STORAGE, type StorageTotals } from './storage.ts'
import type { VideoRow } from './video-row.ts'

const COLUMNS = [
  'uid, kind, upload_id, creator, meta, allowed_origins, require_signed_urls',
  'scheduled_deletion, thumbnail_timestamp_pct, public_details, max_duration_seconds',
  'upload_expiry, upload_length, upload_metadata, created_us, changed_at, received_at',
  'finishes_at, size_bytes, media, watermark',
].join(', ')
const PLACEHOLDERS = COLUMNS.split(', ')
  .map((column) => `@${column}`)
  .join(', ')

/** Order of rows: one of each creator, then the next of each. */
const CREATORS_IN_TURN = 'row_number() OVER (PARTITION BY creator ORDER BY created_us DESC)'

export type VideoStatements = ReturnType<typeof prepareVideoStatements>

/** Prepares the statements. Those that write return the number of changed rows. */
export function prepareVideoStatements(database: EmulatorDatabase) {
  const lastCreated = database.prepare<[], { last: number | null }>(
    'SELECT max(created_us) AS last FROM videos',
  )
  const insert = database.prepare<[VideoRow]>(
    `INSERT INTO videos (${COLUMNS}) VALUES (${PLACEHOLDERS})`,
  )
  const find = database.prepare<[string], VideoRow>('SELECT * FROM videos WHERE uid = ?')
  const findByUploadId = database.prepare<[string], VideoRow>(
    'SELECT * FROM videos WHERE upload_id = ?',
  )
  const update = database.prepare<[VideoRow]>(
    `UPDATE videos SET allowed_origins = @allowed_origins, creator = @creator,
       max_duration_seconds = @max_duration_seconds, meta = @meta,
       public_details = @public_details, require_signed_urls = @require_signed_urls,
       scheduled_deletion = @scheduled_deletion, upload_expiry = @upload_expiry,
       thumbnail_timestamp_pct = @thumbnail_timestamp_pct, changed_at = @changed_at
     WHERE uid = @uid`,
  )
  const markReceived = database.prepare<[number, number, number, string]>(
    `UPDATE videos SET received_at = ?, finishes_at = ?, size_bytes = ?
     WHERE uid = ? AND received_at IS NULL`,
  )
  const setMedia = database.prepare<[string, number, string]>(
    'UPDATE videos SET media = ?, stored_seconds = ? WHERE uid = ? AND media IS NULL',
  )
  const startReading = database.prepare<[string]>(
    'INSERT OR IGNORE INTO media_readings (uid) VALUES (?)',
  )
  const endReading = database.prepare<[string]>('DELETE FROM media_readings WHERE uid = ?')
  const isReading = database.prepare<[string], { uid: string }>(
    'SELECT uid FROM media_readings WHERE uid = ?',
  )
  const addToOutbox = database.prepare<[string]>(
    `INSERT OR IGNORE INTO ${OUTBOX_TABLE} (uid, due_at, attempts)
     SELECT uid, finishes_at, 0 FROM videos WHERE uid = ?`,
  )
  const removeFromOutbox = database.prepare<[string]>(`DELETE FROM ${OUTBOX_TABLE} WHERE uid = ?`)
  const remove = database.prepare<[string]>('DELETE FROM videos WHERE uid = ?')
  const dueForDeletion = database.prepare<[number], { uid: string }>(
    'SELECT uid FROM videos WHERE scheduled_deletion <= ?',
  )
  const expiredTusUploads = database.prepare<[number, number], { uid: string }>(
    `SELECT uid FROM videos WHERE received_at IS NULL AND upload_expiry > ? AND upload_expiry <= ?
       AND kind = 'tus'`,
  )
  const needsFile = database.prepare<[string], { uid: string }>(
    `SELECT uid FROM videos WHERE uid = ? AND (media IS NULL OR json_extract(media, '$.failure') IS NULL)`,
  )
  const unreadFiles = database.prepare<[], { uid: string }>(
    `SELECT uid FROM videos WHERE received_at IS NOT NULL AND media IS NULL ORDER BY ${CREATORS_IN_TURN}`,
  )
  const openTusUploads = database.prepare<[string], { uid: string }>(
    `SELECT uid FROM videos WHERE uid IN (SELECT value FROM json_each(?)) AND received_at IS NULL
       AND kind = 'tus' ORDER BY ${CREATORS_IN_TURN}`,
  )
  const passedTime = database.prepare<{ after: number; until: number }, StorageTotals>(
    `SELECT coalesce(sum(reserved), 0) AS reservedSeconds, coalesce(sum(stored), 0) AS storedSeconds,
       coalesce(sum(stored > 0), 0) AS videoCount
     FROM (
       SELECT -max_duration_seconds AS reserved, 0 AS stored FROM videos
         WHERE received_at IS NULL AND upload_expiry > @after AND upload_expiry <= @until
       UNION ALL
       SELECT CASE WHEN media IS NULL THEN 0 ELSE -max_duration_seconds END, stored_seconds
         FROM videos WHERE finishes_at > @after AND finishes_at <= @until
     )`,
  )
  return {
    lastCreated: () => lastCreated.get()?.last ?? 0,
    insert: (row: VideoRow) => insert.run(row).changes,
    find: (uid: string) => find.get(uid),
    findByUploadId: (uploadId: string) => findByUploadId.get(uploadId),
    update: (row: VideoRow) => update.run(row).changes,
    markReceived: (uid: string, receivedAt: number, finishesAt: number, sizeBytes: number) =>
      markReceived.run(receivedAt, finishesAt, sizeBytes, uid).changes,
    setMedia: (uid: string, media: string, storedSeconds: number) =>
      setMedia.run(media, storedSeconds, uid).changes,
    startReading: (uid: string) => startReading.run(uid).changes,
    endReading: (uid: string) => endReading.run(uid).changes,
    isReading: (uid: string) => isReading.get(uid) !== undefined,
    addToOutbox: (uid: string) => addToOutbox.run(uid).changes,
    removeFromOutbox: (uid: string) => removeFromOutbox.run(uid).changes,
    remove: (uid: string) => remove.run(uid).changes,
    uidsDueForDeletion: (now: number) => dueForDeletion.all(now).map((row) => row.uid),
    expiredTusUploads: (after: number, until: number) =>
      expiredTusUploads.all(after, until).map((row) => row.uid),
    needsFile: (uid: string) => needsFile.get(uid) !== undefined,
    unreadFiles: () => unreadFiles.all().map((row) => row.uid),
    openTusUploads: (uids: readonly string[]) =>
      openTusUploads.all(JSON.stringify(uids)).map((row) => row.uid),
    /** Returns the change of the totals when upload URLs expire or processing ends in `(after, until]`. */
    passedTime: (after: number, until: number) => passedTime.get({ after, until }) ?? NO_STORAGE,
  }
}
