/** Every kind of list query a caller can make, with the number of uploads it may examine. */
import type { UploadFilter, ListRange } from '../../src/uploads/ports/upload-store.ts'
import { listedStatuses, uploadStatuses } from '../../src/uploads/upload.ts'
import { after } from '../kit/samples.ts'

/** Creator of all uploads of a store; all but the oldest are READY and BASIC. */
export const BUSY_CREATOR = 'creator-0'

const LIMIT = 21

/** For each field: a filter that nearly all uploads match, and one that only the oldest matches. */
const choices: Readonly<Record<string, readonly UploadFilter[]>> = {
  creator: [{}, { creator: BUSY_CREATOR }],
  statuses: [
    {},
    { statuses: listedStatuses },
    { statuses: ['ERROR'] },
    { statuses: ['READY', 'ERROR', 'QUEUED'] },
  ],
  protocol: [{}, { protocol: 'TUS' }],
  createdAfter: [{}, { createdAfter: after(500) }],
  createdBefore: [{}, { createdBefore: after(1500) }],
}

const filters = Object.values(choices).reduce<readonly UploadFilter[]>(
  (all, more) => all.flatMap((filter) => more.map((choice) => ({ ...filter, ...choice }))),
  [{}],
)

const ranges: readonly ListRange[] = (['older', 'newer'] as const).flatMap((direction) => [
  { direction, limit: LIMIT },
  { direction, limit: LIMIT, from: { createdAt: after(1000), id: 'x' } },
])

export interface ListQuery {
  readonly filter: UploadFilter
  readonly range: ListRange
  /** The limit for each status and protocol in the filter. */
  readonly uploads: number
}

export const listQueries: readonly ListQuery[] = filters.flatMap((filter) =>
  ranges.map((range) => {
    const { statuses, protocol } = filter
    const isInListOrder = statuses === listedStatuses && protocol === undefined
    const kinds = (statuses ?? uploadStatuses).length * (protocol === undefined ? 2 : 1)
    return { filter, range, uploads: (isInListOrder ? 1 : kinds) * LIMIT }
  }),
)
