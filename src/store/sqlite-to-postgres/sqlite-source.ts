/** Opens the SQLite source file read-only. */
import Database from 'better-sqlite3'
import { and, asc, count, getTableColumns, gt, lte, sql, sum } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { countPendingMigrations } from '../sqlite/database.ts'
import {
  callbackDeliveries,
  callbackEvents,
  deployments,
  unmatchedWebhooks,
  uploadEvents,
  uploads,
} from '../sqlite/tables.ts'
import type { StoreSummary } from './summary.ts'
import type {
  CopiedBatch,
  CopiedCallbackEvent,
  CopiedDelivery,
  CopiedWebhook,
} from './copied-columns.ts'

/** Source of the copy. Each method reads one consistent snapshot. */
export interface UploadSource {
  /** The deployment id; null if no gateway ever opened the file. */
  readonly deployment: string | null
  /** The Stream account of the uploads; null if none is recorded. */
  readonly account: string | null
  /** Number of rows: uploads and reservations. */
  size(): number
  /** Returns up to `limit` rows with ids after this one, in id order, with their events. */
  batchAfter(id: string, limit: number): CopiedBatch
  /** Returns the versions of existing ids; 0 for reservations. */
  versionsOf(ids: readonly string[]): ReadonlyMap<string, number>
  /** Returns up to `limit` unmatched webhooks after this row id; start with 0. */
  webhooksAfter(
    rowid: number,
    limit: number,
  ): readonly (CopiedWebhook & { readonly rowid: number })[]
  /** Returns up to `limit` events of callbacks after this row id; start with 0. */
  callbackEventsAfter(
    rowid: number,
    limit: number,
  ): readonly (CopiedCallbackEvent & { readonly rowid: number })[]
  /** Returns up to `limit` deliveries of callbacks after this row id; start with 0. */
  deliveriesAfter(
    rowid: number,
    limit: number,
  ): readonly (CopiedDelivery & { readonly rowid: number })[]
  summary(): StoreSummary
  close(): void
}

export type OpenedSource =
  | { readonly kind: 'source'; readonly source: UploadSource }
  /** Migrations are pending; the file must be migrated first. */
  | { readonly kind: 'not-migrated'; readonly migrations: number }

/** Throws SQLite's error if the file does not exist or is not a database. */
export function openSqliteSource(file: string): OpenedSource {
  const connection = new Database(file, { readonly: true, fileMustExist: true })
  try {
    connection.pragma('busy_timeout = 5000')
    const migrations = countPendingMigrations(connection)
    if (migrations === 0) return { kind: 'source', source: createSource(connection) }
    connection.close()
    return { kind: 'not-migrated', migrations }
  } catch (error) {
    connection.close()
    throw error
  }
}

function createSource(connection: Database.Database): UploadSource {
  const db = drizzle({ client: connection })
  const named = db.select().from(deployments).get()

  const batchAfter = connection.transaction((id: string, limit: number): CopiedBatch => {
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

  const summary = connection.transaction((): StoreSummary => {
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
      rows: new Map(rows.map((row) => [row.status, row.rows])),
      versions: sums?.versions ?? 0,
      events: db.select({ rows: count() }).from(uploadEvents).get()?.rows ?? 0,
      callbacks: db.select({ rows: count() }).from(callbackDeliveries).get()?.rows ?? 0,
      webhooks: db.select({ rows: count() }).from(unmatchedWebhooks).get()?.rows ?? 0,
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
    webhooksAfter(rowid, limit) {
      const { uid, body, receivedAt } = unmatchedWebhooks
      return db
        .select({ rowid: sql<number>`rowid`, uid, body, receivedAt })
        .from(unmatchedWebhooks)
        .where(sql`rowid > ${rowid}`)
        .orderBy(sql`rowid`)
        .limit(limit)
        .all()
    },
    callbackEventsAfter: (rowid, limit) =>
      db
        .select({ rowid: sql<number>`rowid`, ...getTableColumns(callbackEvents) })
        .from(callbackEvents)
        .where(sql`rowid > ${rowid}`)
        .orderBy(sql`rowid`)
        .limit(limit)
        .all(),
    deliveriesAfter: (rowid, limit) =>
      db
        .select({ rowid: sql<number>`rowid`, ...getTableColumns(callbackDeliveries) })
        .from(callbackDeliveries)
        .where(sql`rowid > ${rowid}`)
        .orderBy(sql`rowid`)
        .limit(limit)
        .all(),
    summary,
    close: () => connection.close(),
  }
}
