/** Hook: the caller's uploads, live. */
import { useEffect, useMemo } from 'preact/hooks'
import type { Upload } from '../../client/client.ts'
import { ME, STORAGE } from '../data/documents.ts'
import type { GatewayClient } from '../data/graphql-client.ts'
import { createLiveList } from '../data/live-list.ts'
import { type Filter, STATUSES } from '../rows/merge-rows.ts'
import { useStore } from '../store.ts'

/** Changes arrive in bursts: storage usage and limits are read after a burst. */
const DEBOUNCE_MS = 250

export interface Uploads {
  readonly uploads: readonly Upload[]
  readonly isLoading: boolean
  /** Whether the gateway does not respond and there is no data. */
  readonly isBroken: boolean
  readonly isLive: boolean
  /** Whether a connection was open before and is lost. */
  readonly isReconnecting: boolean
  readonly hasMore: boolean
  readonly loadMore: () => void
}

/** One list per filter, so that a filter shows its last rows while the gateway does not respond. */
function createLists({ client }: GatewayClient) {
  let timer: ReturnType<typeof setTimeout> | undefined
  function readUsage(): void {
    for (const query of [STORAGE, ME]) {
      void client.query(query, {}, { requestPolicy: 'network-only' }).toPromise()
    }
  }
  function readUsageSoon(): void {
    clearTimeout(timer)
    timer = setTimeout(readUsage, DEBOUNCE_MS)
  }
  const create = (filter: Filter) => createLiveList(client, STATUSES[filter], readUsageSoon)
  return {
    all: create('all'),
    active: create('active'),
    ready: create('ready'),
    failed: create('failed'),
  }
}

export function useUploads(gateway: GatewayClient, filter: Filter): Uploads {
  const lists = useMemo(() => createLists(gateway), [gateway])
  const list = lists[filter]
  useEffect(() => list.watch(), [list])
  const page = useStore(list.page)
  const connection = useStore(gateway.connection)
  const isLost = connection === 'unreachable' || connection === 'reconnecting'
  return {
    uploads: (page?.edges ?? []).map(({ node }) => node),
    isLoading: page === null && !isLost,
    isBroken: page === null && isLost,
    isLive: connection === 'live',
    isReconnecting: connection === 'reconnecting',
    hasMore: page?.pageInfo.hasNextPage ?? false,
    loadMore: list.loadMore,
  }
}
