/** Hook: the caller's uploads, live. */
import type { Client } from '@urql/core'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import {
  type Upload,
  type UploadClient,
  type UploadList,
  type UploadListSnapshot,
  createUploadList,
} from '../../client/client.ts'
import { ME, STORAGE } from '../data/documents.ts'
import { type Filter, STATUSES } from '../rows/merge-rows.ts'
import { type Store, useStore } from '../store.ts'

/** Changes arrive in bursts: storage usage and limits are read after a burst. */
const DEBOUNCE_MS = 250

export interface Uploads extends Pick<UploadList, 'loadMore'> {
  readonly uploads: readonly Upload[]
  readonly isLoading: boolean
  /** Whether the gateway does not respond. `uploads` stays as it is. */
  readonly isLost: boolean
  /** Whether a connection was open before and is lost. */
  readonly isReconnecting: boolean
  readonly hasMore: boolean
}

/** One list per filter, so that a filter shows its last rows while the gateway does not respond. */
function createLists(client: UploadClient, data: Client) {
  let timer: ReturnType<typeof setTimeout> | undefined
  function readUsage(): void {
    for (const query of [STORAGE, ME]) {
      void data.query(query, {}, { requestPolicy: 'network-only' }).toPromise()
    }
  }
  function readUsageSoon(): void {
    clearTimeout(timer)
    timer = setTimeout(readUsage, DEBOUNCE_MS)
  }
  const create = (filter: Filter) =>
    createList(createUploadList(client, { status: STATUSES[filter] }), readUsageSoon)
  return {
    all: create('all'),
    active: create('active'),
    ready: create('ready'),
    failed: create('failed'),
  }
}

/** @param onStatus is called when an upload has another status, and after a connection was lost */
function createList(list: UploadList, onStatus: () => void) {
  const store: Store<UploadListSnapshot> = {
    get: list.getSnapshot,
    subscribe: (listener) => list.subscribe(() => listener()),
  }
  /** By uid; null before the first page. */
  let statusOf: Map<string, string> | null = null

  /** Keeps the list current until the returned function is called. */
  const watch = (): (() => void) => {
    let wasLive = false
    return list.subscribe((changed) => {
      const { isLive, uploads } = list.getSnapshot()
      if (isLive && !wasLive) {
        if (statusOf !== null) onStatus()
        statusOf = new Map(uploads.map(({ uid, status }) => [uid, status]))
      } else if (changed !== null && statusOf?.get(changed.uid) !== changed.status) {
        statusOf?.set(changed.uid, changed.status)
        onStatus()
      }
      wasLive = isLive
    })
  }
  return { store, watch, loadMore: list.loadMore }
}

export function useUploads(client: UploadClient, data: Client, filter: Filter): Uploads {
  const lists = useMemo(() => createLists(client, data), [client, data])
  const { store, loadMore, watch } = lists[filter]
  useEffect(watch, [watch])
  const { uploads, isLoading, isLive, hasMore, error } = useStore(store)
  const wasLive = useRef(false)
  if (isLive) wasLive.current = true
  const isLost = !isLive && error !== null
  return {
    uploads,
    isLoading,
    isLost,
    isReconnecting: isLost && wasLive.current,
    hasMore,
    loadMore,
  }
}
