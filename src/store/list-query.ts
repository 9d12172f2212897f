/** What adapters share in reading lists: which statement serves a selection, and what of it is needed. */
import {
  type UploadProtocol,
  type UploadStatus,
  uploadProtocols,
  uploadStatuses,
} from '../uploads/upload.ts'
import type { UploadSelection, UploadStretch } from '../uploads/ports/upload-store.ts'

/** The statuses and protocols that a selection asks for, each once; an upload has one of either. */
export interface Kinds {
  readonly statuses: readonly UploadStatus[]
  readonly protocols: readonly UploadProtocol[]
}

export function kindsOf({ statuses, protocol }: UploadSelection): Kinds {
  return {
    statuses: statuses === undefined ? uploadStatuses : [...new Set(statuses)],
    protocols: protocol === undefined ? uploadProtocols : [protocol],
  }
}

/** Whether some statuses or protocols are left out: such a list is put together from one of each kind. */
export function isByKind(selection: UploadSelection): boolean {
  return (
    selection.protocol !== undefined || kindsOf(selection).statuses.length < uploadStatuses.length
  )
}

/** Equal for selections that one statement serves: a bit for each condition. */
export function shapeOf(selection: UploadSelection, stretch?: UploadStretch): number {
  const { creator, createdAfter, createdBefore } = selection
  return [creator, createdAfter, createdBefore, stretch?.from]
    .map((value) => value !== undefined)
    .concat(isByKind(selection), stretch?.towards === 'newer')
    .reduce((shape, isSet) => shape * 2 + Number(isSet), 0)
}

/**
 * Without what the rest implies: a position and a moment that bound the list on the same side are
 * one bound, the nearer of the two. A database would seek by the moment, and read all that lies between.
 */
export function withoutImplied(
  selection: UploadSelection,
  stretch: UploadStretch,
): readonly [UploadSelection, UploadStretch] {
  const { from, ...fromTheEnd } = stretch
  const { createdAfter, createdBefore, ...others } = selection
  const isOlder = stretch.towards === 'older'
  const edge = isOlder ? createdBefore : createdAfter
  if (from === undefined || edge === undefined) return [selection, stretch]
  const isNearer = isOlder ? from.createdAt < edge : from.createdAt > edge
  if (!isNearer) return [selection, fromTheEnd]
  if (isOlder) return [createdAfter === undefined ? others : { ...others, createdAfter }, stretch]
  return [createdBefore === undefined ? others : { ...others, createdBefore }, stretch]
}
