/** Hook: the caller's uploads, live. */
import { useMemo } from 'react'
import type { UploadFilter, UploadListOptions, UploadListSnapshot } from '../client/client.ts'
import { listSource } from './client-sources.ts'
import { useSource } from './source.ts'
import { useUploadClient } from './upload-client-provider.ts'

/** What `useUploadList` returns. */
export interface UseUploadListResult extends UploadListSnapshot {
  /** Adds the next page of older uploads. Does nothing if there is none, or while one is read. */
  readonly loadMore: () => void
}

/**
 * Returns the caller's uploads, newest first, and renders the component again after each change. An administrator gets
 * those of all creators. After a lost connection, the list is read again; `uploads` stays as it was until then.
 *
 * Each different filter holds one connection to the gateway, which all components with an equal filter share. The
 * filter may be a new object in each render; its dates should stay the same. Errors are in the result: the hook does
 * not throw, and does not suspend.
 * @param filter conditions that an upload must match; default: all uploads that are not deleted
 * @example
 * const { uploads, hasMore, loadMore } = useUploadList({ status: ['READY'] })
 */
export function useUploadList(
  filter: UploadFilter = {},
  options: UploadListOptions = {},
): UseUploadListResult {
  const client = useUploadClient()
  const key = JSON.stringify([filter, options])
  const source = useMemo(() => listSource(client, filter, options), [client, key])
  return { ...useSource(source), loadMore: source.loadMore }
}
