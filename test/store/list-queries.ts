/** Every kind of question that a caller can ask of the list, and how many uploads it may examine. */
import type { UploadFilter, ListRange } from '../../src/uploads/ports/upload-store.ts'
import { after } from '../kit/samples.ts'

/** Of a store whose uploads are all READY, BASIC and made by this creator, but for the oldest. */
export const BUSY_CREATOR = 'creator-0'

const LIMIT = 21

/** One that nearly all uploads meet, and one that only the oldest meets. */
const choices: Readonly<Record<string, readonly UploadFilter[]>> = {
  creator: [{}, { creator: BUSY_CREATOR }],
  statuses: [{}, { statuses: ['ERROR'] }, { statuses: ['READY', 'ERROR', 'QUEUED'] }],
  protocol: [{}, { protocol: 'TUS' }],
  createdAfter: [{}, { createdAfter: after(500) }],
  createdBefore: [{}, { createdBefore: after(1500) }],
}

const selections = Object.values(choices).reduce<readonly UploadFilter[]>(
  (all, more) => all.flatMap((one) => more.map((other) => ({ ...one, ...other }))),
  [{}],
)

const stretches: readonly ListRange[] = (['older', 'newer'] as const).flatMap((direction) => [
  { direction, limit: LIMIT },
  { direction, limit: LIMIT, from: { createdAt: after(1000), id: 'x' } },
])

export interface ListQuery {
  readonly selection: UploadFilter
  readonly stretch: ListRange
  /** The limit for each status and protocol asked for. */
  readonly uploads: number
}

export const listQueries: readonly ListQuery[] = selections.flatMap((selection) =>
  stretches.map((stretch) => {
    const { statuses, protocol } = selection
    const isWhole = statuses === undefined && protocol === undefined
    const kinds = isWhole ? 1 : (statuses?.length ?? 7) * (protocol === undefined ? 2 : 1)
    return { selection, stretch, uploads: kinds * LIMIT }
  }),
)
