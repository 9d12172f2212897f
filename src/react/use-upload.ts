/** Hook: one upload, live. */
import { useMemo } from 'react'
import { uploadSource } from './client-sources.ts'
import { constantSource, useSource } from './source.ts'
import { useUploadClient } from './upload-client-provider.ts'
import { LOADING_UPLOAD, type UseUploadResult } from './upload-source.ts'

/** The result without a uid. */
const NO_UPLOAD = constantSource({ ...LOADING_UPLOAD, isLoading: false })

/**
 * Returns an upload, and renders the component again after each change: its progress, its status, and later a new
 * name or its deletion. After a lost connection, the upload is read again.
 *
 * All `useUpload` of a client share one connection to the gateway with `useUploadList()`, however many uploads and
 * components there are. Errors are in the result: the hook does not throw, and does not suspend.
 * @param uid Stream's identifier of the video; null for none, for example before it is known
 * @example
 * const { upload, error } = useUpload(uid)
 * if (error?.code === 'UPLOAD_NOT_FOUND') return <p>There is no such video.</p>
 * return <p>{upload?.status ?? 'Loading…'}</p>
 */
export function useUpload(uid: string | null): UseUploadResult {
  const client = useUploadClient()
  const source = useMemo(
    () => (uid === null ? NO_UPLOAD : uploadSource(client, uid)),
    [client, uid],
  )
  return useSource(source)
}
