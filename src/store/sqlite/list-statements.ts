/** List and count statements of uploads, one per combination of conditions. */
import { type SQL, and, asc, desc, eq, isNotNull, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'
import { COUNT_LIMIT, type UploadFilter, type ListRange } from '../../uploads/ports/upload-store.ts'
import { isByKind, kindsOf, queryShape, withoutImpliedBounds } from '../list-query.ts'
import { uploadColumns } from './read-rows.ts'
import {
  type NamedParam,
  type RowShape,
  type Values,
  type StatementDefinition,
  db,
  defineStatement,
} from './define-statement.ts'
import { uploads } from './tables.ts'

const names = [
  'creator',
  'kinds',
  'statuses',
  'protocols',
  'createdAfter',
  'createdBefore',
  'fromCreatedAt',
  'fromId',
  'limit',
] as const
export type ListName = (typeof names)[number]

/** Returns values for all parameters; a statement binds only those it uses. */
function valuesOf(filter: UploadFilter, range?: ListRange): Values<ListName> {
  const { statuses, protocols } = kindsOf(filter)
  const kinds = statuses.flatMap((status) => protocols.map((protocol) => [status, protocol]))
  return {
    creator: filter.creator ?? null,
    kinds: JSON.stringify(kinds),
    statuses: JSON.stringify(statuses),
    protocols: JSON.stringify(protocols),
    createdAfter: filter.createdAfter?.getTime() ?? null,
    createdBefore: filter.createdBefore?.getTime() ?? null,
    fromCreatedAt: range?.from?.createdAt.getTime() ?? null,
    fromId: range?.from?.id ?? null,
    limit: range?.limit ?? null,
  }
}

/** Returns all conditions except those on status and protocol. */
function conditionsOf(filter: UploadFilter, param: NamedParam<ListName>): SQL[] {
  const conditions: SQL[] = [isNotNull(uploads.uid)]
  if (filter.creator !== undefined) conditions.push(eq(uploads.creator, param('creator')))
  if (filter.createdAfter !== undefined) {
    conditions.push(sql`${uploads.createdAt} > ${param('createdAfter')}`)
  }
  if (filter.createdBefore !== undefined) {
    conditions.push(sql`${uploads.createdAt} < ${param('createdBefore')}`)
  }
  return conditions
}

function defineList(rowOf: RowShape, filter: UploadFilter, { direction, from }: ListRange) {
  const order = direction === 'older' ? desc : asc
  return defineStatement(names, (param) => {
    const conditions = conditionsOf(filter, param)
    if (from !== undefined) {
      const cursor = sql`(${param('fromCreatedAt')}, ${param('fromId')})`
      const row = sql`(${uploads.createdAt}, ${uploads.id})`
      conditions.push(direction === 'older' ? sql`${row} < ${cursor}` : sql`${row} > ${cursor}`)
    }
    const found = db.select(rowOf(Object.values(uploadColumns))).from(uploads)
    const inOrder = [order(uploads.createdAt), order(uploads.id)] as const
    return isByKind(filter)
      ? found.where(sql`rowid in (${nearestOfKinds(param, conditions, order)})`).orderBy(...inOrder)
      : found
          // A literal, because a partial index is not chosen for a parameter.
          .where(and(...conditions, sql`${uploads.status} <> 'DELETED'`))
          .orderBy(...inOrder)
          .limit(param('limit'))
  })
}

/**
 * Selects the row ids of the nearest uploads of the requested kinds, from the nearest of each kind. No index has
 * several kinds in list order. A scan in list order examines all uploads of other kinds; a scan by kind sorts
 * all uploads of these. So each kind is read separately, up to the limit.
 */
function nearestOfKinds(
  param: NamedParam<ListName>,
  conditions: readonly SQL[],
  order: typeof desc,
) {
  const nearestOfKind = db
    .select({ rowid: sql`rowid` })
    .from(uploads)
    .where(
      and(
        ...conditions,
        sql`${uploads.status} = json_each.value ->> 0`,
        sql`${uploads.protocol} = json_each.value ->> 1`,
      ),
    )
    .orderBy(order(uploads.createdAt), order(uploads.id))
    .limit(param('limit'))
  const nearest = alias(uploads, 'nearest')
  return sql`select nearest.rowid from json_each(${param('kinds')})
    join ${uploads} as nearest on nearest.rowid in ${nearestOfKind}
    order by ${order(nearest.createdAt)}, ${order(nearest.id)} limit ${param('limit')}`
}

/** Counts up to COUNT_LIMIT in a covering index, without reading the uploads table. */
function defineCount(filter: UploadFilter) {
  return defineStatement(names, (param) => {
    const found = db
      .select({ found: sql`1` })
      .from(uploads)
      .where(
        and(
          ...conditionsOf(filter, param),
          sql`${uploads.status} in (select value from json_each(${param('statuses')}))`,
          sql`${uploads.protocol} in (select value from json_each(${param('protocols')}))`,
        ),
      )
      .limit(COUNT_LIMIT)
    return db.select({ count: sql`count(*)` }).from(found.as('counted'))
  })
}

/** A statement as the adapter prepares it, with its values. */
interface BoundStatement<Prepared> {
  readonly statement: Prepared
  readonly values: Values<ListName>
}

/**
 * @param rowOf select list that the adapter reads its rows from
 * @param prepareStatement prepares a statement; called once per query shape
 */
export function createListStatements<Prepared>(
  rowOf: RowShape,
  prepareStatement: (definition: StatementDefinition<ListName>) => Prepared,
) {
  const lists = new Map<number, Prepared>()
  const counts = new Map<number, Prepared>()

  return {
    /** Returns uploads in the order of the range. */
    list(uploadFilter: UploadFilter, requestedRange: ListRange): BoundStatement<Prepared> {
      const [filter, range] = withoutImpliedBounds(uploadFilter, requestedRange)
      const shape = queryShape(filter, range)
      const statement = lists.get(shape) ?? prepareStatement(defineList(rowOf, filter, range))
      lists.set(shape, statement)
      return { statement, values: valuesOf(filter, range) }
    },
    /** Returns one row with one number. */
    count(filter: UploadFilter): BoundStatement<Prepared> {
      const shape = queryShape(filter)
      const statement = counts.get(shape) ?? prepareStatement(defineCount(filter))
      counts.set(shape, statement)
      return { statement, values: valuesOf(filter) }
    },
  }
}
