/** Shared by the list statements of all adapters: statement cache key and implied bounds. */
import {
  type UploadProtocol,
  type UploadStatus,
  listedStatuses,
  uploadProtocols,
  uploadStatuses,
} from '../uploads/upload.ts'
import type { UploadFilter, ListRange } from '../uploads/ports/upload-store.ts'

/** The statuses and protocols of a filter, each once. An upload has exactly one of each. */
export interface Kinds {
  readonly statuses: readonly UploadStatus[]
  readonly protocols: readonly UploadProtocol[]
}

export function kindsOf({ statuses, protocol }: UploadFilter): Kinds {
  return {
    statuses: statuses === undefined ? uploadStatuses : [...new Set(statuses)],
    protocols: protocol === undefined ? uploadProtocols : [protocol],
  }
}

/**
 * Whether a list is merged from one list per status and protocol. False if the filter leaves out deleted uploads
 * only: such lists, which are the most frequent, have indexes in list order.
 */
export function isByKind(filter: UploadFilter): boolean {
  const { statuses } = kindsOf(filter)
  const isListed = statuses.length === listedStatuses.length && !statuses.includes('DELETED')
  return filter.protocol !== undefined || !isListed
}

/** Returns the statement cache key: one bit per condition, equal for filters that share a statement. */
export function queryShape(filter: UploadFilter, range?: ListRange): number {
  const { creator, createdAfter, createdBefore } = filter
  return [creator, createdAfter, createdBefore, range?.from]
    .map((value) => value !== undefined)
    .concat(isByKind(filter), range?.direction === 'newer')
    .reduce((shape, isSet) => shape * 2 + Number(isSet), 0)
}

/**
 * Removes the bound that the other implies. A cursor and a date that bound the list on the same side are one
 * bound, the nearer of the two. Otherwise a database might seek by the date and read everything between.
 */
export function withoutImpliedBounds(
  filter: UploadFilter,
  range: ListRange,
): readonly [UploadFilter, ListRange] {
  const { from, ...withoutCursor } = range
  const { createdAfter, createdBefore, ...others } = filter
  const isOlder = range.direction === 'older'
  const bound = isOlder ? createdBefore : createdAfter
  if (from === undefined || bound === undefined) return [filter, range]
  const isNearer = isOlder ? from.createdAt < bound : from.createdAt > bound
  if (!isNearer) return [filter, withoutCursor]
  if (isOlder) return [createdAfter === undefined ? others : { ...others, createdAfter }, range]
  return [createdBefore === undefined ? others : { ...others, createdBefore }, range]
}
