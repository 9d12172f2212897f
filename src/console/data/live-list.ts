/** A list of uploads that the subscription `uploadList` keeps current. */
import type { Client } from '@urql/core'
import type { Upload } from '../../client/client.ts'
import { createStore, type Store, type WritableStore } from '../store.ts'
import {
  UPLOADS,
  UPLOAD_LIST,
  type UploadListData,
  type UploadListEvent,
  type UploadListVariables,
  type UploadPage,
  type UploadsData,
  type UploadsVariables,
} from './documents.ts'

const PAGE_SIZE = 20
const MAX_PAGE_SIZE = 100

export interface LiveList {
  /** Uploads, newest first; null before the first page. Stays as it is while the list is not watched. */
  readonly page: Store<UploadPage | null>
  /** Keeps the list current until the returned function is called. */
  readonly watch: () => () => void
  readonly loadMore: () => void
}

/** @param onStatus is called when an upload has another status, and after a connection was lost */
export function createLiveList(
  client: Client,
  statuses: readonly string[],
  onStatus: () => void,
): LiveList {
  const filter = { status: statuses }
  const page: WritableStore<UploadPage | null> = createStore<UploadPage | null>(null)
  /** By uid. */
  const statusOf = new Map<string, string>()
  /** Events since the request for older uploads, whose result may be older than these; null without one. */
  let missed: UploadListEvent[] | null = null

  function receive(event: UploadListEvent): void {
    const before = page.get()
    if (event.page !== null) {
      replaceFirstPage(before, event.page)
      for (const { node } of event.page.edges) statusOf.set(node.uid, node.status)
      if (before !== null) onStatus()
      return
    }
    missed?.push(event)
    page.set(applyEvent(before, event))
    if (event.changed !== null && hasNewStatus(event.changed.node)) onStatus()
  }

  /** Older uploads stay until they are read again. */
  function replaceFirstPage(before: UploadPage | null, first: UploadPage): void {
    missed = null
    const { edges, pageInfo } = first
    const { hasNextPage, endCursor } = pageInfo
    const older =
      before === null || !hasNextPage || endCursor === null
        ? []
        : before.edges.filter(({ cursor }) => cursor < endCursor)
    if (before === null || older.length === 0) {
      page.set(first)
      return
    }
    page.set({ edges: [...edges, ...older], pageInfo: before.pageInfo })
    void readOlder(endCursor, Math.min(older.length, MAX_PAGE_SIZE))
  }

  async function readOlder(after: string | null, first: number): Promise<void> {
    if (after === null) return
    const events: UploadListEvent[] = []
    missed = events
    const { data } = await client
      .query<UploadsData, UploadsVariables>(UPLOADS, { first, after, filter })
      .toPromise()
    const before = page.get()
    if (missed !== events) return
    missed = null
    if (data === undefined || before === null) return
    const { edges, pageInfo } = data.uploads
    const newer = before.edges.filter(({ cursor }) => cursor >= after)
    page.set(
      events.reduce<UploadPage | null>(applyEvent, { edges: [...newer, ...edges], pageInfo }),
    )
  }

  function hasNewStatus({ uid, status }: Upload): boolean {
    const isNew = statusOf.get(uid) !== status
    statusOf.set(uid, status)
    return isNew
  }

  return {
    page,
    watch() {
      const variables = { first: PAGE_SIZE, filter }
      const subscription = client
        .subscription<UploadListData, UploadListVariables>(UPLOAD_LIST, variables)
        .subscribe(({ data }) => data !== undefined && receive(data.uploadList))
      return () => subscription.unsubscribe()
    },
    loadMore: () => void readOlder(page.get()?.pageInfo.endCursor ?? null, PAGE_SIZE),
  }
}

/** Returns the list after a change of one upload. */
function applyEvent(list: UploadPage | null, event: UploadListEvent): UploadPage | null {
  const { changed, isListed } = event
  if (list === null || changed === null) return list
  const { hasNextPage, endCursor } = list.pageInfo
  // Older uploads than the list has are on later pages.
  const isOnPage = !hasNextPage || endCursor === null || changed.cursor >= endCursor
  const others = list.edges.filter(({ node }) => node.uid !== changed.node.uid)
  const edges = isListed && isOnPage ? [...others, changed] : others
  return { ...list, edges: edges.toSorted((a, b) => (a.cursor < b.cursor ? 1 : -1)) }
}
