/** A list of uploads that the subscription `uploadList` keeps current. */
import { callListener } from '../call-listener.ts'
import { dependenciesOf } from '../dependencies.ts'
import {
  LIST,
  type ListEvent,
  type UploadPage,
  WATCH_LIST,
  listEvent,
  uploadPage,
} from '../gateway/operations.ts'
import { executeTyped } from '../gateway/request.ts'
import type { Upload, UploadProtocol, UploadStatus } from '../gateway/upload.ts'
import { subscribe } from '../gateway/subscribe.ts'
import { POLL_INTERVAL_MS } from '../gateway/watch-upload.ts'
import { retry } from '../retry.ts'
import type { UploadClient } from '../upload-client.ts'
import { toUploadError } from '../upload-error.ts'
import { keepSubscribed } from './keep-subscribed.ts'
import { applyEvent, replaceFirstPage, replaceOlder } from './list-page.ts'
import { LOADING_LIST, type UploadListSnapshot } from './list-snapshot.ts'

/** Filter of a list. An upload must match all conditions. */
export interface UploadFilter {
  /** Uploads with any of these statuses. Default: all except DELETED. */
  readonly status?: readonly UploadStatus[] | undefined
  readonly protocol?: UploadProtocol | undefined
  /** Uploads created after this time; a Date or RFC 3339 string. */
  readonly createdAfter?: Date | string | undefined
  readonly createdBefore?: Date | string | undefined
  /** Uploads of this creator. Only administrators can name another creator. */
  readonly creator?: string | undefined
}

export interface UploadListOptions {
  /** Uploads in the first page and in each page of `loadMore`, 1 to 100. Default: 20. */
  readonly pageSize?: number | undefined
}

/**
 * A live list. `getSnapshot` and `subscribe` are the arguments of React's `useSyncExternalStore`. It connects when it
 * gets its first listener, and holds one connection to the gateway until the last one is removed. Where responses
 * cannot be read while they arrive, as with the `fetch` of React Native, it requests its first page every 3 seconds.
 */
export interface UploadList {
  readonly getSnapshot: () => UploadListSnapshot
  /**
   * Calls the listener after each change of the snapshot, and after each change of an upload that is beyond the
   * end of the list. Its argument is the changed upload; null if something else changed. Returns the function
   * that removes the listener.
   */
  readonly subscribe: (listener: (changed: Upload | null) => void) => () => void
  /** Adds the next page of older uploads. Does nothing if there is none, or while one is read. */
  readonly loadMore: () => void
}

const DEFAULT_PAGE_SIZE = 20
/** Maximum page of the gateway. */
const MAX_PAGE_SIZE = 100

/**
 * Creates a live list of the caller's uploads, newest first; those of all creators for an administrator. Its errors
 * are in its snapshot.
 * @example
 * const list = createUploadList(client, { status: ['READY'] })
 * const stop = list.subscribe(() => show(list.getSnapshot().uploads))
 */
export function createUploadList(
  client: UploadClient,
  filter: UploadFilter = {},
  { pageSize = DEFAULT_PAGE_SIZE }: UploadListOptions = {},
): UploadList {
  const dependencies = dependenciesOf(client)
  const listeners = new Set<(changed: Upload | null) => void>()
  let snapshot = LOADING_LIST
  let list: UploadPage | null = null
  /** Events since the request for older uploads, whose result may be older than these; null without one. */
  let missed: ListEvent[] | null = null
  let connection: AbortController | null = null

  function emit(change: Partial<UploadListSnapshot>, changed: Upload | null = null): void {
    snapshot = { ...snapshot, ...change }
    for (const listener of listeners) callListener(listener, changed)
  }

  function contentsOf(page: UploadPage) {
    list = page
    return { uploads: page.edges.map(({ node }) => node), hasMore: page.pageInfo.hasNextPage }
  }

  function receive(event: ListEvent, signal: AbortSignal): void {
    if (event.page === null) {
      missed?.push(event)
      const changes = list === null ? {} : contentsOf(applyEvent(list, event))
      emit(changes, event.changed?.node ?? null)
      return
    }
    const { endCursor } = event.page.pageInfo
    const contents = contentsOf(replaceFirstPage(list, event.page))
    const older = contents.uploads.length - event.page.edges.length
    missed = null
    emit({ ...contents, isLoading: false, isLive: true, isLoadingMore: false, error: null })
    if (older > 0) void readOlder(endCursor, Math.min(older, MAX_PAGE_SIZE), signal)
  }

  async function readOlder(
    after: string | null,
    first: number,
    signal: AbortSignal,
  ): Promise<void> {
    if (after === null) return
    const events: ListEvent[] = []
    missed = events
    emit({ isLoadingMore: true })
    const request = { query: LIST, variables: { first, after, filter } }
    let change: Partial<UploadListSnapshot>
    try {
      const older = await retry(dependencies, signal, () =>
        executeTyped(dependencies, request, uploadPage, signal),
      )
      // Otherwise, a new first page was received, and the list starts again from it.
      if (missed !== events || list === null) return
      change = contentsOf(events.reduce(applyEvent, replaceOlder(list, after, older)))
    } catch (error) {
      if (missed !== events) return
      change = { error: toUploadError(error) }
    }
    missed = null
    emit({ ...change, isLoadingMore: false })
  }

  function openEvents(signal: AbortSignal): AsyncGenerator<ListEvent, void> {
    if (!dependencies.canStream) return polled(signal)
    const request = { query: WATCH_LIST, variables: { first: pageSize, filter } }
    return subscribe(dependencies, request, listEvent, signal)
  }

  async function* polled(signal: AbortSignal): AsyncGenerator<ListEvent, void> {
    const request = { query: LIST, variables: { first: pageSize, filter } }
    for (;;) {
      const page = await executeTyped(dependencies, request, uploadPage, signal)
      yield { page, changed: null, isListed: false }
      await dependencies.clock.wait(POLL_INTERVAL_MS, signal)
      signal.throwIfAborted()
    }
  }

  async function connect(signal: AbortSignal): Promise<void> {
    const listener = {
      onEvent: (event: ListEvent) => receive(event, signal),
      onLost(error: unknown) {
        missed = null
        const isLoading = snapshot.isLoading && error === null
        const lost = error === null ? snapshot.error : toUploadError(error)
        emit({ isLoading, isLive: false, isLoadingMore: false, error: lost })
      },
    }
    await keepSubscribed(dependencies, openEvents, listener, signal)
  }

  function disconnect(): void {
    connection?.abort()
    connection = null
    missed = null
    snapshot = { ...snapshot, isLive: false, isLoadingMore: false }
  }

  return {
    getSnapshot: () => snapshot,
    subscribe(listener) {
      // A wrapper, so that the same function can be subscribed twice.
      const ownListener = (changed: Upload | null): void => listener(changed)
      listeners.add(ownListener)
      if (connection === null) {
        connection = new AbortController()
        void connect(connection.signal)
      }
      return () => {
        listeners.delete(ownListener)
        if (listeners.size === 0 && connection !== null) disconnect()
      }
    },
    loadMore() {
      if (connection === null || missed !== null || !snapshot.hasMore) return
      void readOlder(list?.pageInfo.endCursor ?? null, pageSize, connection.signal)
    },
  }
}
