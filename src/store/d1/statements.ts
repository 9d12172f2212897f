/**
 * Statements specific to D1. D1 has no interactive transactions: related statements are one batch, and each
 * checks its own conditions.
 */
import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import { type SQLiteColumn, type SQLiteTable, getTableConfig } from 'drizzle-orm/sqlite-core'
import { type RowShape, db, defineStatement } from '../sqlite/define-statement.ts'
import { countByTokenStatement } from '../sqlite/count-statements.ts'
import { changeLeaseParams, changeLeaseStatement } from '../sqlite/change-lease.ts'
import {
  mintParams,
  mintStatement,
  saveVersionParams,
  saveVersionStatement,
  reservationRow,
  defineStatements,
} from '../sqlite/statements.ts'
import {
  callbackDeliveries,
  callbackEvents,
  deployments,
  unmatchedWebhooks,
  uploadEvents,
  uploadTotals,
  uploads,
} from '../sqlite/tables.ts'
import { reservationParams } from '../sqlite/write-rows.ts'

/** Selects plain columns. D1 sends rows as JSON anyway, and its `json_array` accepts at most 32 values. */
export const plainColumns: RowShape = (columns) =>
  Object.fromEntries(columns.map((column, index) => [`c${index}`, column]))

const found = { found: sql`1` }

/** The column name without its table, for clauses that allow no qualified name. */
const nameOf = (column: SQLiteColumn) => sql.identifier(column.name)

export const statements = {
  ...defineStatements(plainColumns),

  /** Writes the reservation if its key is free, its token not used up and it fits the quota; returns a row if written. */
  reserve: defineStatement([...reservationParams, 'quotaSeconds', 'maxUploads'], (param) => {
    const row = new Map<string, unknown>(Object.entries(reservationRow(param)))
    const values = Object.entries(getTableColumns(uploads)).map(([name, column]) =>
      row.has(name) ? sql.param(row.get(name), column) : sql`null`,
    )
    const held = sql`select coalesce(sum(reserved_seconds + stored_seconds), 0) from ${uploadTotals} where ${eq(uploadTotals.creator, param('creator'))}`
    const ofToken = countByTokenStatement(param)
    const key = sql`${nameOf(uploads.requestedBy)}, ${nameOf(uploads.idempotencyKey)}`
    return db
      .insert(uploads)
      .select(
        sql`select ${sql.join(values, sql`, `)}
          where (${param('quotaSeconds')} is null or (${held}) + ${param('maxDurationSeconds')} <= ${param('quotaSeconds')})
            and (${param('tokenId')} is null or ${ofToken} < ${param('maxUploads')})
          on conflict (${key}) where ${nameOf(uploads.idempotencyKey)} is not null do nothing`,
      )
      .returning(found)
  }),

  /** Writes the first event, if the next statement of the batch turns the reservation into an upload. */
  addFirstEvent: defineStatement(['id', 'at'], (param) =>
    db.insert(uploadEvents).select(
      sql`select ${uploads.id}, 1, 'PENDING_UPLOAD', 'MUTATION', ${param('at')} from ${uploads}
          where ${and(eq(uploads.id, param('id')), eq(uploads.status, 'RESERVED'))}`,
    ),
  ),
  /** Writes the event, if the next statement of the batch writes its version. */
  addEvent: defineStatement(['id', 'expected', 'version', 'status', 'source', 'at'], (param) =>
    db.insert(uploadEvents).select(
      sql`select ${uploads.id}, ${param('version')}, ${param('status')}, ${param('source')}, ${param('at')} from ${uploads}
          where ${and(eq(uploads.id, param('id')), eq(uploads.version, param('expected')))}`,
    ),
  ),
  /** Returns a row if the reservation was found. */
  mint: defineStatement(mintParams, (param) => mintStatement(param).returning(found)),

  /** Returns a row if the version was written. */
  advance: defineStatement(saveVersionParams, (param) =>
    saveVersionStatement(param).returning(found),
  ),

  /** Returns a row if the lease was acquired. */
  acquireChangeLease: defineStatement(changeLeaseParams, (param) =>
    changeLeaseStatement(param).returning(found),
  ),

  /** `checks` is a JSON list of `[uid, version, checkAt, idleChecks, missingChecks]`. */
  rescheduleAll: defineStatement(['checks'], (param) =>
    db
      .update(uploads)
      .set({
        checkAt: sql`checks.check_at`,
        idleChecks: sql`checks.idle_checks`,
        missingChecks: sql`checks.missing_checks`,
      })
      .from(
        sql`(select value ->> 0 as uid, value ->> 1 as version, value ->> 2 as check_at, value ->> 3 as idle_checks, value ->> 4 as missing_checks
          from json_each(${param('checks')})) as checks`,
      )
      .where(sql`${uploads.uid} = checks.uid and ${uploads.version} = checks.version`),
  ),

  /** Returns one row per deleted webhook. */
  deleteUnmatchedWebhooksBefore: defineStatement(['before'], (param) =>
    db
      .delete(unmatchedWebhooks)
      .where(sql`${unmatchedWebhooks.receivedAt} < ${param('before')}`)
      .returning(found),
  ),

  /** Inserts the deployment id unless there is one: of concurrent inserts, one succeeds. */
  nameDeployment: defineStatement(['id'], (param) =>
    db
      .insert(deployments)
      .select(sql`select ${param('id')}, null where not exists (select 1 from ${deployments})`),
  ),
  deployment: defineStatement([], () => db.select({ id: deployments.id }).from(deployments)),
  ping: defineStatement([], () => db.select(found).from(uploads).where(eq(uploads.id, ''))),
}

/**
 * Return no rows, and fail if a table or column is missing. The names are qualified, because SQLite reads a quoted
 * name of no column as text: https://www.sqlite.org/quirks.html#dblquote
 */
export const schemaChecks = [
  uploads,
  uploadTotals,
  uploadEvents,
  unmatchedWebhooks,
  callbackEvents,
  callbackDeliveries,
  deployments,
].map((table: SQLiteTable) =>
  defineStatement([], () =>
    db
      .select(
        Object.fromEntries(
          getTableConfig(table).columns.map((column, index) => [
            `c${index}`,
            sql`${table}.${sql.identifier(column.name)}`,
          ]),
        ),
      )
      .from(table)
      .limit(0),
  ),
)

/** Returns the names of all triggers and indexes. */
export const triggersAndIndexes = defineStatement([], () =>
  db
    .select({ name: sql`name` })
    .from(sql`sqlite_master`)
    .where(sql`type in ('trigger', 'index')`),
)
