/**
 * The statements that are D1's own. There is no transaction that one holds while one decides: what
 * belongs together is asked for together, and each statement sees for itself whether it may.
 */
import { and, eq, getTableColumns, isNotNull, sql } from 'drizzle-orm'
import { type SQLiteColumn, type SQLiteTable, getTableConfig } from 'drizzle-orm/sqlite-core'
import { db, type RowOf, word } from '../sqlite/define-statement.ts'
import {
  advanceNames,
  advanceStatement,
  inTheirTurn,
  reservedRow,
  wordStatements,
} from '../sqlite/statements.ts'
import { deployments, keptNotices, uploadEvents, uploadTallies, uploads } from '../sqlite/tables.ts'
import { reservedNames } from '../sqlite/write-rows.ts'

/** Rows as they stand: D1 sends them as JSON in any case, and packs no more than 32 values. */
export const asTheyStand: RowOf = (columns) =>
  Object.fromEntries(columns.map((column, place) => [`c${place}`, column]))

const found = { found: sql`1` }

/** The column without its table, where there is no other. */
const nameOf = (column: SQLiteColumn) => sql.identifier(column.name)

export const statements = {
  ...wordStatements(asTheyStand),

  /** Writes the reservation where its key is free and it fits; a row where it did. */
  reserve: word([...reservedNames, 'quotaSeconds'], (given) => {
    const row = new Map<string, unknown>(Object.entries(reservedRow(given)))
    const values = Object.entries(getTableColumns(uploads)).map(([name, column]) =>
      row.has(name) ? sql.param(row.get(name), column) : sql`null`,
    )
    const held = sql`select coalesce(sum(reserved_seconds + stored_seconds), 0) from ${uploadTallies} where ${eq(uploadTallies.creator, given('creator'))}`
    const key = sql`${nameOf(uploads.requestedBy)}, ${nameOf(uploads.idempotencyKey)}`
    return db
      .insert(uploads)
      .select(
        sql`select ${sql.join(values, sql`, `)}
          where ${given('quotaSeconds')} is null or (${held}) + ${given('maxDurationSeconds')} <= ${given('quotaSeconds')}
          on conflict (${key}) where ${nameOf(uploads.idempotencyKey)} is not null do nothing`,
      )
      .returning(found)
  }),

  /** The event of the reservation that the next statement makes an upload. */
  addFirstEvent: word(['id', 'at'], (given) =>
    db.insert(uploadEvents).select(
      sql`select ${uploads.id}, 1, 'PENDING_UPLOAD', 'MUTATION', ${given('at')} from ${uploads}
          where ${and(eq(uploads.id, given('id')), eq(uploads.status, 'RESERVED'))}`,
    ),
  ),
  /** The event of the version that the next statement writes, if it does. */
  addEvent: word(['id', 'expected', 'version', 'status', 'source', 'at'], (given) =>
    db.insert(uploadEvents).select(
      sql`select ${uploads.id}, ${given('version')}, ${given('status')}, ${given('source')}, ${given('at')} from ${uploads}
          where ${and(eq(uploads.id, given('id')), eq(uploads.version, given('expected')))}`,
    ),
  ),
  /** A row where it did. */
  advance: word(advanceNames, (given) => advanceStatement(given).returning(found)),

  /** Puts off what `due` finds in the same transaction. */
  claimDue: word(['now', 'limit', 'until'], (given) => {
    const due = db
      .select({ id: uploads.id })
      .from(uploads)
      .where(and(isNotNull(uploads.checkAt), sql`${uploads.checkAt} <= ${given('now')}`))
      .orderBy(...inTheirTurn)
      .limit(given('limit'))
    return db
      .update(uploads)
      .set({ checkAt: sql`${given('until')}` })
      .where(sql`${uploads.id} in ${due}`)
  }),

  /** `checks` is a list as JSON text, each `[uid, version, checkAt, idleChecks, missingChecks]`. */
  rescheduleAll: word(['checks'], (given) =>
    db
      .update(uploads)
      .set({
        checkAt: sql`checks.check_at`,
        idleChecks: sql`checks.idle_checks`,
        missingChecks: sql`checks.missing_checks`,
      })
      .from(
        sql`(select value ->> 0 as uid, value ->> 1 as version, value ->> 2 as check_at, value ->> 3 as idle_checks, value ->> 4 as missing_checks
          from json_each(${given('checks')})) as checks`,
      )
      .where(sql`${uploads.uid} = checks.uid and ${uploads.version} = checks.version`),
  ),

  /** A row for each that was dropped. */
  dropNoticesBefore: word(['before'], (given) =>
    db
      .delete(keptNotices)
      .where(sql`${keptNotices.receivedAt} < ${given('before')}`)
      .returning(found),
  ),

  /** Of many that name the database, one does. */
  nameDeployment: word(['id'], (given) =>
    db
      .insert(deployments)
      .select(sql`select ${given('id')}, null where not exists (select 1 from ${deployments})`),
  ),
  deployment: word([], () => db.select({ id: deployments.id }).from(deployments)),
  alive: word([], () => db.select(found).from(uploads).where(eq(uploads.id, ''))),
}

/** What finds no row, and fails where the database lacks a table or a column. */
export const presence = [uploads, uploadTallies, uploadEvents, keptNotices, deployments].map(
  (table: SQLiteTable) =>
    word([], () =>
      db
        .select(asTheyStand(getTableConfig(table).columns))
        .from(table)
        .limit(0),
    ),
)

/** The names of the triggers and indexes that the database has. */
export const triggersAndIndexes = word([], () =>
  db
    .select({ name: sql`name` })
    .from(sql`sqlite_master`)
    .where(sql`type in ('trigger', 'index')`),
)
