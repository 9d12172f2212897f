/** Applies events of the subscription `uploadList` to the pages that the client has. */
import type { ListEvent, UploadPage } from '../gateway/operations.ts'

/** Returns the list after a change of one upload. */
export function applyEvent(list: UploadPage, { changed, isListed }: ListEvent): UploadPage {
  if (changed === null) return list
  const { hasNextPage, endCursor } = list.pageInfo
  // Older uploads than the list has are on later pages.
  const isOnPage = !hasNextPage || endCursor === null || changed.cursor >= endCursor
  const others = list.edges.filter(({ node }) => node.uid !== changed.node.uid)
  const edges = isListed && isOnPage ? [...others, changed] : others
  return { ...list, edges: edges.toSorted((a, b) => (a.cursor < b.cursor ? 1 : -1)) }
}

/** Returns the list with another first page. The uploads after that page stay as they were. */
export function replaceFirstPage(before: UploadPage | null, first: UploadPage): UploadPage {
  const { hasNextPage, endCursor } = first.pageInfo
  if (before === null || !hasNextPage || endCursor === null) return first
  const older = before.edges.filter(({ cursor }) => cursor < endCursor)
  if (older.length === 0) return first
  return { edges: [...first.edges, ...older], pageInfo: before.pageInfo }
}

/** Returns the list with another page after this cursor, which is the last one. */
export function replaceOlder(before: UploadPage, after: string, older: UploadPage): UploadPage {
  const newer = before.edges.filter(({ cursor }) => cursor >= after)
  return { edges: [...newer, ...older.edges], pageInfo: older.pageInfo }
}
