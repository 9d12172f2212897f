/** Sends a file by one multipart POST, with upload progress if the platform supports it. */
import { uploadError } from '../upload-error.ts'

/** A file and its upload URL. */
export interface MultipartPost {
  readonly uploadURL: string
  readonly formField: string
  readonly file: Blob
  readonly fileName: string
  readonly fetch: typeof globalThis.fetch
  readonly signal: AbortSignal
  /** Receives the number of request bytes sent so far. */
  readonly onSent: (sentBytes: number) => void
}

/**
 * Returns the status of the response.
 * @throws UploadError NETWORK without a response; the signal's reason on abort
 */
export async function postFile(post: MultipartPost): Promise<number> {
  post.signal.throwIfAborted()
  const form = new FormData()
  form.set(post.formField, post.file, post.fileName)
  // fetch has no upload progress: https://fetch.spec.whatwg.org/
  return typeof XMLHttpRequest === 'function' ? postByXHR(post, form) : postByFetch(post, form)
}

function postByXHR({ uploadURL, signal, onSent }: MultipartPost, form: FormData): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const abort = (): void => request.abort()
    request.open('POST', uploadURL)
    request.upload.addEventListener('progress', ({ loaded }) => onSent(loaded))
    request.addEventListener('load', () => resolve(request.status))
    request.addEventListener('error', () => reject(connectionError()))
    request.addEventListener('abort', () => reject(signal.reason))
    request.addEventListener('loadend', () => signal.removeEventListener('abort', abort))
    signal.addEventListener('abort', abort)
    request.send(form)
  })
}

async function postByFetch(
  { uploadURL, fetch, signal }: MultipartPost,
  form: FormData,
): Promise<number> {
  try {
    const response = await fetch(uploadURL, { method: 'POST', body: form, signal })
    await response.body?.cancel()
    return response.status
  } catch {
    signal.throwIfAborted()
    throw connectionError()
  }
}

/** Omits the platform's error, which may contain the upload URL. */
export function connectionError() {
  return uploadError('The connection to Cloudflare Stream was lost during the transfer.', {
    code: 'NETWORK',
  })
}
