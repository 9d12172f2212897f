/** List and count statements of uploads, prepared once per combination of conditions. */
import { type SQL, and, asc, desc, eq, gt, isNotNull, lt, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { COUNT_LIMIT, type UploadFilter, type ListRange } from '../../uploads/ports/upload-store.ts'
import { isByKind, kindsOf, queryShape, withoutImpliedBounds } from '../list-query.ts'
import { uploadColumns } from './columns.ts'
import { param, textArrayParam } from './parameters.ts'
import type { UploadRow } from './read-rows.ts'
import { uploads } from './tables.ts'

/** Returns all conditions except those on status and protocol. */
function conditionsOf(filter: UploadFilter): SQL[] {
  const conditions: SQL[] = [isNotNull(uploads.uid)]
  if (filter.creator !== undefined) {
    conditions.push(eq(uploads.creator, param('creator', uploads.creator)))
  }
  if (filter.createdAfter !== undefined) {
    conditions.push(gt(uploads.createdAt, param('createdAfter', uploads.createdAt)))
  }
  if (filter.createdBefore !== undefined) {
    conditions.push(lt(uploads.createdAt, param('createdBefore', uploads.createdAt)))
  }
  return conditions
}

/**
 * Each requested kind. A lateral query with its own limit runs per kind, so that the planner must seek it in an
 * index, whatever its estimates.
 */
const kinds = sql`unnest(${textArrayParam('statuses')}) as statuses (kind_status)
  cross join unnest(${textArrayParam('protocols')}) as protocols (kind_protocol)`
const isOfKind = sql`${uploads.status} = kind_status and ${uploads.protocol} = kind_protocol`

/** Returns values for all parameters; a statement binds only those it uses. */
function valuesOf(
  { creator, createdAfter, createdBefore, ...kind }: UploadFilter,
  range?: ListRange,
) {
  return {
    ...kindsOf(kind),
    creator,
    createdAfter,
    createdBefore,
    fromCreatedAt: range?.from?.createdAt,
    fromId: range?.from?.id,
    limit: range?.limit,
  }
}

export function prepareListStatements(db: NodePgDatabase) {
  const lists = new Map<number, ReturnType<typeof prepareList>>()
  const counts = new Map<number, ReturnType<typeof prepareCount>>()

  function prepareList(filter: UploadFilter, { direction, from }: ListRange, shape: number) {
    const order = direction === 'older' ? desc : asc
    const conditions = conditionsOf(filter)
    if (from !== undefined) {
      const cursor = sql`(${param('fromCreatedAt', uploads.createdAt)}, ${param('fromId', uploads.id)})`
      const row = sql`(${uploads.createdAt}, ${uploads.id})`
      conditions.push(direction === 'older' ? sql`${row} < ${cursor}` : sql`${row} > ${cursor}`)
    }
    const inOrder = [order(uploads.createdAt), order(uploads.id)] as const
    const limit = sql.placeholder('limit')
    const found = isByKind(filter)
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
          // A literal, because a partial index is not chosen for a parameter.
          .where(and(...conditions, sql`${uploads.status} <> 'DELETED'`))
    return found
      .orderBy(...inOrder)
      .limit(limit)
      .prepare(`headgate_list_${shape}`)
  }

  /** Counts up to COUNT_LIMIT. */
  function prepareCount(filter: UploadFilter, shape: number) {
    const found = db
      .select({ found: sql`1` })
      .from(kinds)
      .crossJoinLateral(
        db
          .select({ found: sql`1`.as('found') })
          .from(uploads)
          .where(and(...conditionsOf(filter), isOfKind))
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
    /** Returns rows of uploads, in the order of the range. */
    rows(uploadFilter: UploadFilter, requestedRange: ListRange): Promise<readonly UploadRow[]> {
      const [filter, range] = withoutImpliedBounds(uploadFilter, requestedRange)
      const shape = queryShape(filter, range)
      const statement = lists.get(shape) ?? prepareList(filter, range, shape)
      lists.set(shape, statement)
      return statement.execute(valuesOf(filter, range))
    },
    async count(filter: UploadFilter): Promise<number> {
      const shape = queryShape(filter)
      const statement = counts.get(shape) ?? prepareCount(filter, shape)
      counts.set(shape, statement)
      const [row] = await statement.execute(valuesOf(filter))
      return row?.count ?? 0
    },
  }
}
