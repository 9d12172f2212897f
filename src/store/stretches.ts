/** What keepers share in reading lists: which statement serves a selection, and what of it is needed. */
import type { UploadSelection, UploadStretch } from './store.ts'

/** Equal for selections that one statement serves: a bit for each condition. */
export function shapeOf(selection: UploadSelection, stretch?: UploadStretch): number {
  const { creator, statuses, protocol, createdAfter, createdBefore } = selection
  return [creator, statuses, protocol, createdAfter, createdBefore, stretch?.from]
    .map((value) => value !== undefined)
    .concat(stretch?.towards === 'newer')
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
