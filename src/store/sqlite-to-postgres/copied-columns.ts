/** Columns copied from SQLite to PostgreSQL, as PostgreSQL columns; SQLite's have the same names. */
import { type InferSelectModel, getTableColumns } from 'drizzle-orm'
import { callbackDeliveries, callbackEvents } from '../postgres/callback-tables.ts'
import { unmatchedWebhooks, uploadEvents, uploads } from '../postgres/tables.ts'

const { changedIn: _changedIn, ...ofUpload } = getTableColumns(uploads)

/** All columns except `changedIn`, the target's transaction id. */
export const uploadColumns = ofUpload
export const eventColumns = getTableColumns(uploadEvents)
export const webhookColumns = getTableColumns(unmatchedWebhooks)
export const callbackEventColumns = getTableColumns(callbackEvents)
export const deliveryColumns = getTableColumns(callbackDeliveries)

/** An upload or a reservation. */
export type CopiedUpload = Pick<InferSelectModel<typeof uploads>, keyof typeof uploadColumns>
export type CopiedEvent = InferSelectModel<typeof uploadEvents>
/** An unmatched webhook, without the digest that PostgreSQL indexes. */
export type CopiedWebhook = Omit<InferSelectModel<typeof unmatchedWebhooks>, 'digest'>

export type CopiedCallbackEvent = InferSelectModel<typeof callbackEvents>
export type CopiedDelivery = InferSelectModel<typeof callbackDeliveries>

/** Rows with consecutive ids and all their events, from one snapshot. */
export interface CopiedBatch {
  readonly uploads: readonly CopiedUpload[]
  readonly events: readonly CopiedEvent[]
}
