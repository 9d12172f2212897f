/** Fills a SQLite file with many uploads by SQL. */
import { openSqlite } from '../../src/store/sqlite/database.ts'

/** Properties of the rows. */
export interface Filling {
  readonly uploads: number
  /** Number of creators `creator-0`, `creator-1`, …, assigned round-robin. */
  readonly creators: number
  /** Creation time of the newest upload; each other one is a second older than the next. */
  readonly newest: Date
}

const ROWS_PER_TRANSACTION = 20_000

/**
 * Creates the file or adds to it. Of every twenty uploads one is pending, one failed, one deleted,
 * and the others are ready; each has its first event. Triggers update the totals. Returns up to a
 * thousand uids, which are random like Stream's, spread over all uploads.
 */
export function fillStore(file: string, { uploads, creators, newest }: Filling): readonly string[] {
  const { connection } = openSqlite(file)
  // A crash loses only rows that can be created again.
  connection.pragma('synchronous = OFF')
  const addUploads = connection.prepare(`
    with recursive row(n) as (
      select cast(:first as integer) union all select n + 1 from row where n < :last
    ),
    -- Materialized: otherwise each use of uid is another random value.
    drawn as materialized (
      select n, 'creator-' || (n % cast(:creators as integer)) as creator,
        lower(hex(randomblob(16))) as uid, :newest - 1000 * (:uploads - 1 - n) as at,
        case n % 20 when 0 then 'PENDING_UPLOAD' when 1 then 'ERROR' when 2 then 'DELETED' else 'READY' end as status
      from row
    )
    insert into uploads
    select printf('%s-%012d', substr(uid, 1, 12), n), iif(n % 3 = 0, 'TUS', 'BASIC'), creator,
      'holiday-' || n || '.mp4', '{}', 600, 200000000, '[]', 0, null, at + 1800000, at,
      creator, null, 'fingerprint', uid, 'https://upload.example.com/' || uid, status,
      1, at, null, null, null, iif(status = 'ERROR', 'ERR_NON_VIDEO', null), null, status = 'READY',
      iif(status = 'READY', 12.5, null), iif(status = 'READY', 1920, null), iif(status = 'READY', 1080, null),
      iif(status = 'READY', 5000000, null),
      iif(status = 'READY', 'https://video.example.com/' || uid || '/manifest/video.m3u8', null),
      iif(status = 'READY', 'https://video.example.com/' || uid || '/manifest/video.mpd', null),
      iif(status = 'READY', 'https://video.example.com/' || uid || '/thumbnails/thumbnail.jpg', null),
      iif(status = 'READY', 'https://video.example.com/' || uid || '/watch', null),
      iif(status = 'READY', at + 60000, null), iif(status = 'READY', at + 60000, null),
      iif(status = 'DELETED', at + 90000, null), iif(status = 'PENDING_UPLOAD', 600, 0), iif(status = 'READY', 13, 0),
      iif(status = 'PENDING_UPLOAD', at + 15000, null), 0, null, null, 0, null, null, null
    from drawn order by n`)
  const addEvents = connection.prepare(`
    insert into upload_events select id, 1, 'PENDING_UPLOAD', 'MUTATION', created_at from uploads
    where created_at between :from and :until`)
  const at = (place: number): number => newest.getTime() - 1000 * (uploads - 1 - place)
  const add = connection.transaction((first: number, last: number) => {
    addUploads.run({ first, last, uploads, creators, newest: newest.getTime() })
    addEvents.run({ from: at(first), until: at(last) })
  })
  for (let first = 0; first < uploads; first += ROWS_PER_TRANSACTION) {
    add(first, Math.min(first + ROWS_PER_TRANSACTION, uploads) - 1)
  }
  const step = Math.max(1, Math.floor(uploads / 1000))
  const places = Array.from({ length: Math.min(uploads, 1000) }, (_, index) => at(index * step))
  const uids = connection
    .prepare<[string], string>(
      'select uid from uploads where created_at in (select value from json_each(?))',
    )
    .pluck()
    .all(JSON.stringify(places))
  connection.close()
  return uids
}
