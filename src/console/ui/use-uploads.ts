/** The caller's uploads, live: read once, and again whenever something may have been missed. */
import { useQuery, useSubscription } from '@urql/preact'
import { useCallback, useEffect, useRef } from 'preact/hooks'
import type { Upload } from '../../client/client.ts'
import {
  STORAGE,
  UPLOADS,
  UPLOADS_CHANGED,
  type UploadsChangedData,
  type UploadsData,
  type UploadsVariables,
} from '../data/documents.ts'
import type { GatewayData } from '../data/graphql-client.ts'
import { type Filter, STATUSES } from '../rows/merge-rows.ts'
import { useStore } from '../store.ts'

const PAGE_SIZE = 20
/** Changes come in bursts: the storage is asked for after the burst. */
const SETTLE_MS = 250
const FRESH = { requestPolicy: 'network-only' } as const

export interface Uploads {
  readonly uploads: readonly Upload[]
  readonly isLoading: boolean
  /** Whether the list could not be read. */
  readonly isBroken: boolean
  readonly isLive: boolean
  readonly hasMore: boolean
  readonly loadMore: () => void
}

export function useUploads({ client, connections }: GatewayData, filter: Filter): Uploads {
  const variables: UploadsVariables = { first: PAGE_SIZE, filter: { status: STATUSES[filter] } }
  const [{ data, error, fetching }] = useQuery<UploadsData, UploadsVariables>({
    query: UPLOADS,
    variables,
  })
  const uploads = (data?.uploads.edges ?? []).map(({ node }) => node)
  const connection = useStore(connections)

  const readList = useCallback(() => {
    const newest = { first: PAGE_SIZE, filter: { status: STATUSES[filter] } }
    void client.query<UploadsData, UploadsVariables>(UPLOADS, newest, FRESH).toPromise()
  }, [client, filter])
  const readAll = useCallback(() => {
    readList()
    void client.query(STORAGE, {}, FRESH).toPromise()
  }, [client, readList])

  // Whatever changed before the connection stood.
  useEffect(() => {
    if (connection === 1) readList()
    else if (connection !== null) readAll()
  }, [connection, readList, readAll])

  const statuses = useRef(new Map<string, string>())
  for (const { uid, status } of uploads) {
    // Later ones come with the changes: by then the cache has the new status too.
    if (!statuses.current.has(uid)) statuses.current.set(uid, status)
  }
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null)
  const onChange = (changed: UploadsChangedData): void => {
    const { uid, status } = changed.uploadsChanged
    // The cache has brought the row up to date; a new one has a place in the list to be asked for.
    if (statuses.current.get(uid) === status) return
    statuses.current.set(uid, status)
    clearTimeout(timer.current ?? undefined)
    timer.current = setTimeout(readAll, SETTLE_MS)
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
    hasMore: page?.hasNextPage ?? false,
    loadMore() {
      const after = page?.endCursor
      if (after === undefined || after === null) return
      void client.query<UploadsData, UploadsVariables>(UPLOADS, { ...variables, after }).toPromise()
    },
  }
}
