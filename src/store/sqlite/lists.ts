/** Lists and counts of uploads: one prepared statement for each combination of conditions met. */
import type { Database } from 'better-sqlite3'
import { type SQL, and, asc, desc, eq, isNotNull, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { UploadSelection, UploadStretch } from '../store.ts'
import { shapeOf, withoutImplied } from '../stretches.ts'
import { uploadColumns } from './read-rows.ts'
import { type Given, type Statement, type Values, packed, prepare } from './statement.ts'
import { uploads } from './tables.ts'
import { number } from './values.ts'

const names = [
  'creator',
  'statuses',
  'protocol',
  'createdAfter',
  'createdBefore',
  'fromCreatedAt',
  'fromId',
  'limit',
] as const
type Name = (typeof names)[number]

/** Values for all names; the conditions use only those that they name. */
function valuesOf(selection: UploadSelection, stretch?: UploadStretch): Values<Name> {
  return {
    creator: selection.creator ?? null,
    statuses: selection.statuses === undefined ? null : JSON.stringify(selection.statuses),
    protocol: selection.protocol ?? null,
    createdAfter: selection.createdAfter?.getTime() ?? null,
    createdBefore: selection.createdBefore?.getTime() ?? null,
    fromCreatedAt: stretch?.from?.createdAt.getTime() ?? null,
    fromId: stretch?.from?.id ?? null,
    limit: stretch?.limit ?? null,
  }
}

function conditionsOf(selection: UploadSelection, given: Given<Name>): SQL[] {
  const conditions: SQL[] = [isNotNull(uploads.uid)]
  if (selection.creator !== undefined) conditions.push(eq(uploads.creator, given('creator')))
  if (selection.statuses !== undefined) {
    conditions.push(sql`${uploads.status} in (select value from json_each(${given('statuses')}))`)
  }
  if (selection.protocol !== undefined) conditions.push(eq(uploads.protocol, given('protocol')))
  if (selection.createdAfter !== undefined) {
    conditions.push(sql`${uploads.createdAt} > ${given('createdAfter')}`)
  }
  if (selection.createdBefore !== undefined) {
    conditions.push(sql`${uploads.createdAt} < ${given('createdBefore')}`)
  }
  return conditions
}

export function prepareLists(db: BetterSQLite3Database, connection: Database) {
  const lists = new Map<number, Statement<Name>>()
  const counts = new Map<number, Statement<Name>>()

  function prepareList(selection: UploadSelection, { towards, from }: UploadStretch) {
    const order = towards === 'older' ? desc : asc
    return prepare(connection, names, (given) => {
      const conditions = conditionsOf(selection, given)
      if (from !== undefined) {
        const place = sql`(${given('fromCreatedAt')}, ${given('fromId')})`
        const row = sql`(${uploads.createdAt}, ${uploads.id})`
        conditions.push(towards === 'older' ? sql`${row} < ${place}` : sql`${row} > ${place}`)
      }
      return db
        .select({ row: packed(Object.values(uploadColumns)) })
        .from(uploads)
        .where(and(...conditions))
        .orderBy(order(uploads.createdAt), order(uploads.id))
        .limit(given('limit'))
    })
  }

  function prepareCount(selection: UploadSelection) {
    return prepare(connection, names, (given) =>
      db
        .select({ count: sql`count(*)` })
        .from(uploads)
        .where(and(...conditionsOf(selection, given))),
    )
  }

  return {
    /** Packed rows of uploads, in the order of the stretch. */
    rows(given: UploadSelection, within: UploadStretch): readonly unknown[] {
      const [selection, stretch] = withoutImplied(given, within)
      const shape = shapeOf(selection, stretch)
      const statement = lists.get(shape) ?? prepareList(selection, stretch)
      lists.set(shape, statement)
      return statement.all(valuesOf(selection, stretch))
    },
    count(selection: UploadSelection): number {
      const shape = shapeOf(selection)
      const statement = counts.get(shape) ?? prepareCount(selection)
      counts.set(shape, statement)
      return number(statement.get(valuesOf(selection)))
    },
  }
}
