/** What is moved from one keeper to the other, in PostgreSQL's columns: SQLite's have the same names. */
import { type InferSelectModel, getTableColumns } from 'drizzle-orm'
import { keptNotices, uploadEvents, uploads } from '../postgres/tables.ts'

const { changedIn: _changedIn, ...ofUpload } = getTableColumns(uploads)

/** All but the transaction that wrote a row, which is the target's own. */
export const uploadColumns = ofUpload
export const eventColumns = getTableColumns(uploadEvents)
export const noticeColumns = getTableColumns(keptNotices)

/** An upload or a reservation. */
export type MovedUpload = Pick<InferSelectModel<typeof uploads>, keyof typeof uploadColumns>
export type MovedEvent = InferSelectModel<typeof uploadEvents>
/** A kept notice, without what PostgreSQL finds it by. */
export type MovedNotice = Omit<InferSelectModel<typeof keptNotices>, 'digest'>

/** Rows that follow each other by id, with all of their events, as they stood at one moment. */
export interface MovedBatch {
  readonly uploads: readonly MovedUpload[]
  readonly events: readonly MovedEvent[]
}
