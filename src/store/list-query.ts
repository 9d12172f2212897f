/** Shared by the list statements of all adapters: statement cache key and implied bounds. */
import {
  type UploadProtocol,
  type UploadStatus,
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

/** True if the filter excludes statuses or protocols. Such a list is merged from one list per kind. */
export function isByKind(filter: UploadFilter): boolean {
  return filter.protocol !== undefined || kindsOf(filter).statuses.length < uploadStatuses.length
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
