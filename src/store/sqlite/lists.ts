/** Lists and counts of uploads: one statement for each combination of conditions met. */
import { type SQL, and, asc, desc, eq, isNotNull, sql } from 'drizzle-orm'
import type { UploadSelection, UploadStretch } from '../store.ts'
import { shapeOf, withoutImplied } from '../stretches.ts'
import { uploadColumns } from './read-rows.ts'
import { type Given, type RowOf, type Values, type Worded, db, word } from './statement.ts'
import { uploads } from './tables.ts'

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
export type ListName = (typeof names)[number]

/** Values for all names; the conditions use only those that they name. */
function valuesOf(selection: UploadSelection, stretch?: UploadStretch): Values<ListName> {
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

function conditionsOf(selection: UploadSelection, given: Given<ListName>): SQL[] {
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

function wordList(rowOf: RowOf, selection: UploadSelection, { towards, from }: UploadStretch) {
  const order = towards === 'older' ? desc : asc
  return word(names, (given) => {
    const conditions = conditionsOf(selection, given)
    if (from !== undefined) {
      const place = sql`(${given('fromCreatedAt')}, ${given('fromId')})`
      const row = sql`(${uploads.createdAt}, ${uploads.id})`
      conditions.push(towards === 'older' ? sql`${row} < ${place}` : sql`${row} > ${place}`)
    }
    return db
      .select(rowOf(Object.values(uploadColumns)))
      .from(uploads)
      .where(and(...conditions))
      .orderBy(order(uploads.createdAt), order(uploads.id))
      .limit(given('limit'))
  })
}

function wordCount(selection: UploadSelection) {
  return word(names, (given) =>
    db
      .select({ count: sql`count(*)` })
      .from(uploads)
      .where(and(...conditionsOf(selection, given))),
  )
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
