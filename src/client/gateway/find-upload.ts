/** Queries the gateway for an upload or for the state of a stored one. */
import { type GatewayEndpoint, executeTyped } from './request.ts'
import type { UploadTarget } from './mint-upload.ts'
import { FIND, FIND_WITH_URL, foundUpload, foundWithURL } from './operations.ts'
import type { ResumableUpload } from '../resume/resume-store.ts'
import { type RetryPolicy, retry } from '../retry.ts'
import { type Upload, isAwaitingBytes } from './upload.ts'

/** State of a stored upload. */
export type UploadState =
  /** Stream expects (more of) its bytes. */
  | { readonly kind: 'awaiting-bytes'; readonly upload: Upload; readonly target: UploadTarget }
  /** Stream has received the file, and may have processed it. */
  | { readonly kind: 'received'; readonly upload: Upload }
  | { readonly kind: 'deleted' }
  /** Its URL cannot be used any more, or the gateway does not know the upload. */
  | { readonly kind: 'expired' }

/** Returns the upload; null if it does not exist or belongs to another creator. */
export function findUpload(
  dependencies: GatewayEndpoint & RetryPolicy,
  uid: string,
  signal: AbortSignal | undefined,
): Promise<Upload | null> {
  const request = { query: FIND, variables: { uid } }
  return retry(dependencies, signal, () => executeTyped(dependencies, request, foundUpload, signal))
}

/** Returns the gateway's state: this device's clock cannot tell whether a URL expired. */
export async function findUploadState(
  dependencies: GatewayEndpoint & RetryPolicy,
  stored: Pick<ResumableUpload, 'uid' | 'formField' | 'chunkSizeBytes'>,
  signal: AbortSignal,
): Promise<UploadState> {
  const { uid, formField, chunkSizeBytes } = stored
  const request = { query: FIND_WITH_URL, variables: { uid } }
  const found = await retry(dependencies, signal, () =>
    executeTyped(dependencies, request, foundWithURL, signal),
  )
  if (found === null || found.status === 'EXPIRED') return { kind: 'expired' }
  // The URL is a secret: it is passed to the transfer only.
  const { uploadURL, ...upload } = found
  if (upload.status === 'DELETED') return { kind: 'deleted' }
  if (!isAwaitingBytes(upload)) return { kind: 'received', upload }
  if (uploadURL === null) return { kind: 'expired' }
  const { protocol } = upload
  return {
    kind: 'awaiting-bytes',
    upload,
    target: {
      uid,
      uploadURL,
      protocol,
      formField,
      chunkSizeBytes: chunkSizeBytes ?? Number.POSITIVE_INFINITY,
    },
  }
}
