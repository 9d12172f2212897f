/** Opens the SQLite file that is moved: read, and never written. */
import Database from 'better-sqlite3'
import { and, asc, count, gt, lte, sql, sum } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { countLacking } from '../sqlite/database.ts'
import { deployments, keptNotices, uploadEvents, uploads } from '../sqlite/tables.ts'
import type { Census } from './summary.ts'
import type { MovedBatch, MovedNotice } from './copied-columns.ts'

/** Where uploads are moved from. What is read at once stood there at one moment. */
export interface UploadSource {
  /** The name by which it knows its own uploads at Stream; null where no gateway ever opened it. */
  readonly deployment: string | null
  /** The Stream account of its uploads; null where none was noted. */
  readonly account: string | null
  /** How many rows there are, uploads and reservations. */
  size(): number
  /** At most so many rows whose ids come after this one, in the order of their ids. */
  batchAfter(id: string, limit: number): MovedBatch
  /** The versions of those of the ids that there are; a reservation's is 0. */
  versionsOf(ids: readonly string[]): ReadonlyMap<string, number>
  /** At most so many kept notices that come after this place, which is 0 at first. */
  noticesAfter(place: number, limit: number): readonly (MovedNotice & { readonly place: number })[]
  census(): Census
  close(): void
}

export type OpenedSource =
  | { readonly kind: 'source'; readonly source: UploadSource }
  /** It has to be migrated first. */
  | { readonly kind: 'lacking'; readonly migrations: number }

/** Throws SQLite's error where there is no such file, or it is no database. */
export function openSource(file: string): OpenedSource {
  const connection = new Database(file, { readonly: true, fileMustExist: true })
  try {
    connection.pragma('busy_timeout = 5000')
    const migrations = countLacking(connection)
    if (migrations === 0) return { kind: 'source', source: createSource(connection) }
    connection.close()
    return { kind: 'lacking', migrations }
  } catch (error) {
    connection.close()
    throw error
  }
}

function createSource(connection: Database.Database): UploadSource {
  const db = drizzle({ client: connection })
  const named = db.select().from(deployments).get()

  const batchAfter = connection.transaction((id: string, limit: number): MovedBatch => {
    const rows = db
      .select()
      .from(uploads)
      .where(gt(uploads.id, id))
      .orderBy(asc(uploads.id))
      .limit(limit)
      .all()
    const last = rows.at(-1)
    if (last === undefined) return { uploads: [], events: [] }
    const events = db
      .select()
      .from(uploadEvents)
      .where(and(gt(uploadEvents.uploadId, id), lte(uploadEvents.uploadId, last.id)))
      .orderBy(asc(uploadEvents.uploadId), asc(uploadEvents.version))
      .all()
    return { uploads: rows, events }
  })

  const census = connection.transaction((): Census => {
    const rows = db
      .select({ status: uploads.status, rows: count() })
      .from(uploads)
      .groupBy(uploads.status)
      .all()
    const sums = db
      .select({
        versions: sum(uploads.version).mapWith(Number),
        reservedSeconds: sum(uploads.reservedSeconds).mapWith(Number),
        storedSeconds: sum(uploads.storedSeconds).mapWith(Number),
      })
      .from(uploads)
      .get()
    return {
      rows: new Map(rows.map((one) => [one.status, one.rows])),
      versions: sums?.versions ?? 0,
      events: db.select({ rows: count() }).from(uploadEvents).get()?.rows ?? 0,
      notices: db.select({ rows: count() }).from(keptNotices).get()?.rows ?? 0,
      reservedSeconds: sums?.reservedSeconds ?? 0,
      storedSeconds: sums?.storedSeconds ?? 0,
    }
  })

  return {
    deployment: named?.id ?? null,
    account: named?.account ?? null,
    size: () => db.select({ rows: count() }).from(uploads).get()?.rows ?? 0,
    batchAfter,
    versionsOf(ids) {
      const found = db
        .select({ id: uploads.id, version: uploads.version })
        .from(uploads)
        .where(sql`${uploads.id} in (select value from json_each(${JSON.stringify(ids)}))`)
        .all()
      return new Map(found.map(({ id, version }) => [id, version]))
    },
    noticesAfter(place, limit) {
      const { uid, body, receivedAt } = keptNotices
      return db
        .select({ place: sql<number>`rowid`, uid, body, receivedAt })
        .from(keptNotices)
        .where(sql`rowid > ${place}`)
        .orderBy(sql`rowid`)
        .limit(limit)
        .all()
    },
    census,
    close: () => connection.close(),
  }
}
