/** Hook: the caller's uploads, updated live and read again after a connection was lost. */
import { useQuery, useSubscription } from '@urql/preact'
import { useCallback, useEffect, useRef } from 'preact/hooks'
import type { Upload } from '../../client/client.ts'
import {
  ME,
  STORAGE,
  UPLOADS,
  UPLOADS_CHANGED,
  type UploadsChangedData,
  type UploadsData,
  type UploadsVariables,
} from '../data/documents.ts'
import type { GatewayClient } from '../data/graphql-client.ts'
import { type Filter, STATUSES } from '../rows/merge-rows.ts'
import { useStore } from '../store.ts'

const PAGE_SIZE = 20
/** Changes arrive in bursts: list, storage usage and limits are read after a burst. */
const DEBOUNCE_MS = 250
const NETWORK_ONLY = { requestPolicy: 'network-only' } as const

export interface Uploads {
  readonly uploads: readonly Upload[]
  readonly isLoading: boolean
  /** Whether the query failed and there is no data. */
  readonly isBroken: boolean
  readonly isLive: boolean
  /** Whether a connection was open before and is lost. */
  readonly isReconnecting: boolean
  readonly hasMore: boolean
  readonly loadMore: () => void
}

export function useUploads({ client, connections }: GatewayClient, filter: Filter): Uploads {
  const variables: UploadsVariables = { first: PAGE_SIZE, filter: { status: STATUSES[filter] } }
  const [{ data, error, fetching }] = useQuery<UploadsData, UploadsVariables>({
    query: UPLOADS,
    variables,
  })
  const uploads = (data?.uploads.edges ?? []).map(({ node }) => node)
  const connection = useStore(connections)
  const wasLive = useRef(false)
  if (connection !== null) wasLive.current = true

  const readList = useCallback(() => {
    const newest = { first: PAGE_SIZE, filter: { status: STATUSES[filter] } }
    void client.query<UploadsData, UploadsVariables>(UPLOADS, newest, NETWORK_ONLY).toPromise()
  }, [client, filter])
  const readAll = useCallback(() => {
    readList()
    void client.query(STORAGE, {}, NETWORK_ONLY).toPromise()
    void client.query(ME, {}, NETWORK_ONLY).toPromise()
  }, [client, readList])

  // Reads changes from before the connection was open.
  useEffect(() => {
    if (connection === 1) readList()
    else if (connection !== null) readAll()
  }, [connection, readList, readAll])

  const statuses = useRef(new Map<string, string>())
  for (const { uid, status } of uploads) {
    // Later statuses arrive by subscription, which updates cache and map.
    if (!statuses.current.has(uid)) statuses.current.set(uid, status)
  }
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null)
  const onChange = (changed: UploadsChangedData): void => {
    const { uid, status } = changed.uploadsChanged
    // The cache updates rows itself. Membership of the list and storage change only with the status.
    if (statuses.current.get(uid) === status) return
    statuses.current.set(uid, status)
    clearTimeout(timer.current ?? undefined)
    timer.current = setTimeout(readAll, DEBOUNCE_MS)
  }
  useSubscription<UploadsChangedData, null>({ query: UPLOADS_CHANGED }, (_before, changed) => {
    onChange(changed)
    return null
  })

  const page = data?.uploads.pageInfo
  return {
    uploads,
    isLoading: fetching && data === undefined,
    isBroken: error !== undefined && data === undefined,
    isLive: connection !== null,
    isReconnecting: connection === null && wasLive.current,
    hasMore: page?.hasNextPage ?? false,
    loadMore() {
      const after = page?.endCursor
      if (after === undefined || after === null) return
      void client.query<UploadsData, UploadsVariables>(UPLOADS, { ...variables, after }).toPromise()
    },
  }
}
