/** Lists and counts of uploads: one statement for each combination of conditions met. */
import { type SQL, and, asc, desc, eq, isNotNull, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'
import { COUNT_LIMIT, type UploadSelection, type UploadStretch } from '../../uploads/ports/upload-store.ts'
import { isByKind, kindsOf, shapeOf, withoutImplied } from '../list-query.ts'
import { uploadColumns } from './read-rows.ts'
import { type Given, type RowOf, type Values, type Worded, db, word } from './define-statement.ts'
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

/** Values for all names; the conditions use only those that they name. */
function valuesOf(selection: UploadSelection, stretch?: UploadStretch): Values<ListName> {
  const { statuses, protocols } = kindsOf(selection)
  const kinds = statuses.flatMap((status) => protocols.map((protocol) => [status, protocol]))
  return {
    creator: selection.creator ?? null,
    kinds: JSON.stringify(kinds),
    statuses: JSON.stringify(statuses),
    protocols: JSON.stringify(protocols),
    createdAfter: selection.createdAfter?.getTime() ?? null,
    createdBefore: selection.createdBefore?.getTime() ?? null,
    fromCreatedAt: stretch?.from?.createdAt.getTime() ?? null,
    fromId: stretch?.from?.id ?? null,
    limit: stretch?.limit ?? null,
  }
}

/** All conditions but those on the kind. */
function conditionsOf(selection: UploadSelection, given: Given<ListName>): SQL[] {
  const conditions: SQL[] = [isNotNull(uploads.uid)]
  if (selection.creator !== undefined) conditions.push(eq(uploads.creator, given('creator')))
  if (selection.createdAfter !== undefined) {
    conditions.push(sql`${uploads.createdAt} > ${given('createdAfter')}`)
  }
  if (selection.createdBefore !== undefined) {
    conditions.push(sql`${uploads.createdAt} < ${given('createdBefore')}`)
  }
  return conditions
}

function wordList(rowOf: RowOf, selection: UploadSelection, { towards, from }: UploadStretch) {
  const order = towards === 'older' ? desc : asc
  return word(names, (given) => {
    const conditions = conditionsOf(selection, given)
    if (from !== undefined) {
      const place = sql`(${given('fromCreatedAt')}, ${given('fromId')})`
      const row = sql`(${uploads.createdAt}, ${uploads.id})`
      conditions.push(towards === 'older' ? sql`${row} < ${place}` : sql`${row} > ${place}`)
    }
    const found = db.select(rowOf(Object.values(uploadColumns))).from(uploads)
    const inOrder = [order(uploads.createdAt), order(uploads.id)] as const
    return isByKind(selection)
      ? found.where(sql`rowid in (${nearestOfKinds(given, conditions, order)})`).orderBy(...inOrder)
      : found
          .where(and(...conditions))
          .orderBy(...inOrder)
          .limit(given('limit'))
  })
}

/**
 * Row ids of the nearest uploads of all kinds together, out of the nearest of each kind. No index has
 * several kinds in one order: read in the order of the list, all uploads of other kinds would be
 * examined; read by kind, all of these kinds would be sorted. So each kind is read by itself, up to the limit.
 */
function nearestOfKinds(given: Given<ListName>, conditions: readonly SQL[], order: typeof desc) {
  const ofOneKind = db
    .select({ place: sql`rowid` })
    .from(uploads)
    .where(
      and(
        ...conditions,
        sql`${uploads.status} = json_each.value ->> 0`,
        sql`${uploads.protocol} = json_each.value ->> 1`,
      ),
    )
    .orderBy(order(uploads.createdAt), order(uploads.id))
    .limit(given('limit'))
  const nearest = alias(uploads, 'nearest')
  return sql`select nearest.rowid from json_each(${given('kinds')})
    join ${uploads} as nearest on nearest.rowid in ${ofOneKind}
    order by ${order(nearest.createdAt)}, ${order(nearest.id)} limit ${given('limit')}`
}

/** Counts up to COUNT_LIMIT in an index that holds all that is asked for: no upload itself is read. */
function wordCount(selection: UploadSelection) {
  return word(names, (given) => {
    const found = db
      .select({ found: sql`1` })
      .from(uploads)
      .where(
        and(
          ...conditionsOf(selection, given),
          sql`${uploads.status} in (select value from json_each(${given('statuses')}))`,
          sql`${uploads.protocol} in (select value from json_each(${given('protocols')}))`,
        ),
      )
      .limit(COUNT_LIMIT)
    return db.select({ count: sql`count(*)` }).from(found.as('counted'))
  })
}

/** A statement as its keeper has it ready, and what to give it. */
interface Chosen<Ready> {
  readonly statement: Ready
  readonly values: Values<ListName>
}

/**
 * @param rowOf how the keeper wants its rows
 * @param ready makes a statement ready, once for each
 */
export function createLists<Ready>(rowOf: RowOf, ready: (worded: Worded<ListName>) => Ready) {
  const lists = new Map<number, Ready>()
  const counts = new Map<number, Ready>()

  return {
    /** Its rows are those of uploads, in the order of the stretch. */
    list(wanted: UploadSelection, within: UploadStretch): Chosen<Ready> {
      const [selection, stretch] = withoutImplied(wanted, within)
      const shape = shapeOf(selection, stretch)
      const statement = lists.get(shape) ?? ready(wordList(rowOf, selection, stretch))
      lists.set(shape, statement)
      return { statement, values: valuesOf(selection, stretch) }
    },
    /** Its one row is a number. */
    count(selection: UploadSelection): Chosen<Ready> {
      const shape = shapeOf(selection)
      const statement = counts.get(shape) ?? ready(wordCount(selection))
      counts.set(shape, statement)
      return { statement, values: valuesOf(selection) }
    },
  }
}
