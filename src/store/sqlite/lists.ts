/** Lists and counts of uploads: one prepared statement for each combination of conditions met. */
import { type SQL, and, asc, desc, eq, isNotNull, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { UploadSelection, UploadStretch } from '../store.ts'
import type { UploadRow } from './rows.ts'
import { uploads } from './tables.ts'

const given = sql.placeholder

/** Values for the placeholders; the conditions use only those that they name. */
function valuesOf(selection: UploadSelection, stretch?: UploadStretch) {
  return {
    creator: selection.creator ?? null,
    statuses: JSON.stringify(selection.statuses ?? []),
    protocol: selection.protocol ?? null,
    createdAfter: selection.createdAfter?.getTime() ?? null,
    createdBefore: selection.createdBefore?.getTime() ?? null,
    fromCreatedAt: stretch?.from?.createdAt.getTime() ?? null,
    fromId: stretch?.from?.id ?? null,
    limit: stretch?.limit ?? null,
  }
}

function conditionsOf(selection: UploadSelection): SQL[] {
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

/** Equal for selections that one statement serves. */
function shapeOf(selection: UploadSelection, stretch?: UploadStretch): string {
  const present = Object.entries(selection)
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name)
    .toSorted()
  return [...present, stretch?.towards, stretch?.from !== undefined].join()
}

export function prepareLists(db: BetterSQLite3Database) {
  const lists = new Map<string, ReturnType<typeof prepareList>>()
  const counts = new Map<string, ReturnType<typeof prepareCount>>()

  function prepareList(selection: UploadSelection, { towards, from }: UploadStretch) {
    const conditions = conditionsOf(selection)
    if (from !== undefined) {
      const place = sql`(${given('fromCreatedAt')}, ${given('fromId')})`
      const row = sql`(${uploads.createdAt}, ${uploads.id})`
      conditions.push(towards === 'older' ? sql`${row} < ${place}` : sql`${row} > ${place}`)
    }
    const order = towards === 'older' ? desc : asc
    return db
      .select()
      .from(uploads)
      .where(and(...conditions))
      .orderBy(order(uploads.createdAt), order(uploads.id))
      .limit(given('limit'))
      .prepare()
  }

  function prepareCount(selection: UploadSelection) {
    return db
      .select({ count: sql<number>`count(*)` })
      .from(uploads)
      .where(and(...conditionsOf(selection)))
      .prepare()
  }

  return {
    rows(selection: UploadSelection, stretch: UploadStretch): UploadRow[] {
      const shape = shapeOf(selection, stretch)
      const statement = lists.get(shape) ?? prepareList(selection, stretch)
      lists.set(shape, statement)
      return statement.all(valuesOf(selection, stretch))
    },
    count(selection: UploadSelection): number {
      const shape = shapeOf(selection)
      const statement = counts.get(shape) ?? prepareCount(selection)
      counts.set(shape, statement)
      return statement.get(valuesOf(selection))?.count ?? 0
    },
  }
}
