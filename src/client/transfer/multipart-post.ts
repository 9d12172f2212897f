/** One multipart POST, with progress where the platform tells it. */
import { uploadError } from '../upload-error.ts'

/** A file on its way to an upload URL. */
export interface Posting {
  readonly uploadURL: string
  readonly formField: string
  readonly file: Blob
  readonly fileName: string
  readonly fetch: typeof globalThis.fetch
  readonly signal: AbortSignal
  /** Told how many bytes of the request are up. */
  readonly onSent: (sentBytes: number) => void
}

/**
 * The status of the answer.
 * @throws UploadError NETWORK where there was none; the signal's reason on abort
 */
export async function postFile(posting: Posting): Promise<number> {
  posting.signal.throwIfAborted()
  const form = new FormData()
  form.set(posting.formField, posting.file, posting.fileName)
  // fetch does not tell how much is up: https://fetch.spec.whatwg.org/ has no progress of requests.
  return typeof XMLHttpRequest === 'function'
    ? postByXHR(posting, form)
    : postByFetch(posting, form)
}

function postByXHR({ uploadURL, signal, onSent }: Posting, form: FormData): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const abort = (): void => request.abort()
    request.open('POST', uploadURL)
    request.upload.addEventListener('progress', ({ loaded }) => onSent(loaded))
    request.addEventListener('load', () => resolve(request.status))
    request.addEventListener('error', () => reject(broken()))
    request.addEventListener('abort', () => reject(signal.reason))
    request.addEventListener('loadend', () => signal.removeEventListener('abort', abort))
    signal.addEventListener('abort', abort)
    request.send(form)
  })
}

async function postByFetch({ uploadURL, fetch, signal }: Posting, form: FormData): Promise<number> {
  try {
    const response = await fetch(uploadURL, { method: 'POST', body: form, signal })
    await response.body?.cancel()
    return response.status
  } catch {
    signal.throwIfAborted()
    throw broken()
  }
}

/** Without the platform's own error, which may name the upload URL. */
export function broken() {
  return uploadError('The connection to Cloudflare Stream broke while the file was sent.', {
    code: 'NETWORK',
  })
}
