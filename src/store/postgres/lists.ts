/** Lists and counts of uploads: one prepared statement for each combination of conditions met. */
import { type SQL, and, asc, desc, eq, gt, isNotNull, lt, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { UploadSelection, UploadStretch } from '../store.ts'
import { shapeOf, withoutImplied } from '../stretches.ts'
import { uploadColumns } from './columns.ts'
import { given, listed } from './given.ts'
import type { UploadRow } from './read-rows.ts'
import { uploads } from './tables.ts'

function conditionsOf(selection: UploadSelection): SQL[] {
  const conditions: SQL[] = [isNotNull(uploads.uid)]
  if (selection.creator !== undefined) {
    conditions.push(eq(uploads.creator, given('creator', uploads.creator)))
  }
  if (selection.statuses !== undefined) conditions.push(listed(uploads.status, 'statuses'))
  if (selection.protocol !== undefined) {
    conditions.push(eq(uploads.protocol, given('protocol', uploads.protocol)))
  }
  if (selection.createdAfter !== undefined) {
    conditions.push(gt(uploads.createdAt, given('createdAfter', uploads.createdAt)))
  }
  if (selection.createdBefore !== undefined) {
    conditions.push(lt(uploads.createdAt, given('createdBefore', uploads.createdAt)))
  }
  return conditions
}

/** All of a selection goes along; a statement takes what it names. */
function valuesOf({ ...selection }: UploadSelection, stretch?: UploadStretch) {
  return {
    ...selection,
    fromCreatedAt: stretch?.from?.createdAt,
    fromId: stretch?.from?.id,
    limit: stretch?.limit,
  }
}

export function prepareLists(db: NodePgDatabase) {
  const lists = new Map<number, ReturnType<typeof prepareList>>()
  const counts = new Map<number, ReturnType<typeof prepareCount>>()

  function prepareList(
    selection: UploadSelection,
    { towards, from }: UploadStretch,
    shape: number,
  ) {
    const order = towards === 'older' ? desc : asc
    const conditions = conditionsOf(selection)
    if (from !== undefined) {
      const place = sql`(${given('fromCreatedAt', uploads.createdAt)}, ${given('fromId', uploads.id)})`
      const row = sql`(${uploads.createdAt}, ${uploads.id})`
      conditions.push(towards === 'older' ? sql`${row} < ${place}` : sql`${row} > ${place}`)
    }
    return db
      .select(uploadColumns)
      .from(uploads)
      .where(and(...conditions))
      .orderBy(order(uploads.createdAt), order(uploads.id))
      .limit(sql.placeholder('limit'))
      .prepare(`headgate_list_${shape}`)
  }

  function prepareCount(selection: UploadSelection, shape: number) {
    return db
      .select({ count: sql`count(*)`.mapWith(Number) })
      .from(uploads)
      .where(and(...conditionsOf(selection)))
      .prepare(`headgate_count_${shape}`)
  }

  return {
    /** Rows of uploads, in the order of the stretch. */
    rows(wanted: UploadSelection, within: UploadStretch): Promise<readonly UploadRow[]> {
      const [selection, stretch] = withoutImplied(wanted, within)
      const shape = shapeOf(selection, stretch)
      const statement = lists.get(shape) ?? prepareList(selection, stretch, shape)
      lists.set(shape, statement)
      return statement.execute(valuesOf(selection, stretch))
    },
    async count(selection: UploadSelection): Promise<number> {
      const shape = shapeOf(selection)
      const statement = counts.get(shape) ?? prepareCount(selection, shape)
      counts.set(shape, statement)
      const [row] = await statement.execute(valuesOf(selection))
      return row?.count ?? 0
    },
  }
}
