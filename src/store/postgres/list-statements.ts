/** Lists and counts of uploads: one prepared statement for each combination of conditions met. */
import { type SQL, and, asc, desc, eq, gt, isNotNull, lt, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { COUNT_LIMIT, type UploadSelection, type UploadStretch } from '../../uploads/ports/upload-store.ts'
import { isByKind, kindsOf, shapeOf, withoutImplied } from '../list-query.ts'
import { uploadColumns } from './columns.ts'
import { given, givenTexts } from './parameters.ts'
import type { UploadRow } from './read-rows.ts'
import { uploads } from './tables.ts'

/** All conditions but those on the kind. */
function conditionsOf(selection: UploadSelection): SQL[] {
  const conditions: SQL[] = [isNotNull(uploads.uid)]
  if (selection.creator !== undefined) {
    conditions.push(eq(uploads.creator, given('creator', uploads.creator)))
  }
  if (selection.createdAfter !== undefined) {
    conditions.push(gt(uploads.createdAt, given('createdAfter', uploads.createdAt)))
  }
  if (selection.createdBefore !== undefined) {
    conditions.push(lt(uploads.createdAt, given('createdBefore', uploads.createdAt)))
  }
  return conditions
}

/**
 * Each kind that is asked for. For each of them runs a query with a limit of its own, which the planner can
 * only answer by seeking that kind in the index that has it, whatever it expects of how many there are.
 */
const kinds = sql`unnest(${givenTexts('statuses')}) as statuses (kind_status)
  cross join unnest(${givenTexts('protocols')}) as protocols (kind_protocol)`
const isOfKind = sql`${uploads.status} = kind_status and ${uploads.protocol} = kind_protocol`

/** All of a selection goes along; a statement takes what it names. */
function valuesOf(
  { creator, createdAfter, createdBefore, ...kind }: UploadSelection,
  stretch?: UploadStretch,
) {
  return {
    ...kindsOf(kind),
    creator,
    createdAfter,
    createdBefore,
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
    const inOrder = [order(uploads.createdAt), order(uploads.id)] as const
    const limit = sql.placeholder('limit')
    const found = isByKind(selection)
      ? db
          .select(uploadColumns)
          .from(kinds)
          .crossJoinLateral(
            db
              .select()
              .from(uploads)
              .where(and(...conditions, isOfKind))
              .orderBy(...inOrder)
              .limit(limit)
              .as('uploads'),
          )
      : db
          .select(uploadColumns)
          .from(uploads)
          .where(and(...conditions))
    return found
      .orderBy(...inOrder)
      .limit(limit)
      .prepare(`headgate_list_${shape}`)
  }

  /** Counts up to COUNT_LIMIT. */
  function prepareCount(selection: UploadSelection, shape: number) {
    const found = db
      .select({ found: sql`1` })
      .from(kinds)
      .crossJoinLateral(
        db
          .select({ found: sql`1`.as('found') })
          .from(uploads)
          .where(and(...conditionsOf(selection), isOfKind))
          .limit(COUNT_LIMIT)
          .as('of_one_kind'),
      )
      .limit(COUNT_LIMIT)
    return db
      .select({ count: sql`count(*)`.mapWith(Number) })
      .from(sql`${found} as counted`)
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
