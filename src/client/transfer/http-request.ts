/** Sends one HTTP request to an upload URL, with upload progress. */
import { uploadError } from '../upload-error.ts'

/** A request whose body is part of a file, or a form with the file. */
export interface HTTPRequest {
  readonly method: 'POST' | 'HEAD' | 'PATCH'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Blob | FormData | null
  readonly fetch: typeof globalThis.fetch
  readonly signal: AbortSignal
  /** Receives the number of body bytes sent so far. */
  readonly onSent: (sentBytes: number) => void
}

/** Status and headers of a response; the client needs no body. */
export interface HTTPResponse {
  readonly status: number
  /** Returns the value of a header; null if it is missing or hidden from the page. */
  readonly header: (name: string) => string | null
}

/** @throws UploadError NETWORK without a response; the signal's reason on abort */
export async function sendRequest(request: HTTPRequest): Promise<HTTPResponse> {
  request.signal.throwIfAborted()
  // fetch has no upload progress: https://fetch.spec.whatwg.org/
  return typeof XMLHttpRequest === 'function' ? sendByXHR(request) : sendByFetch(request)
}

function sendByXHR(request: HTTPRequest): Promise<HTTPResponse> {
  const { method, url, headers, body, signal, onSent } = request
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    const abort = (): void => xhr.abort()
    xhr.open(method, url)
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value)
    xhr.upload.addEventListener('progress', ({ loaded }) => onSent(loaded))
    xhr.addEventListener('load', () =>
      resolve({ status: xhr.status, header: (name) => xhr.getResponseHeader(name) }),
    )
    xhr.addEventListener('error', () => reject(connectionError()))
    xhr.addEventListener('abort', () => reject(signal.reason))
    xhr.addEventListener('loadend', () => signal.removeEventListener('abort', abort))
    signal.addEventListener('abort', abort)
    xhr.send(body)
  })
}

async function sendByFetch(request: HTTPRequest): Promise<HTTPResponse> {
  const { method, url, headers, body, fetch, signal, onSent } = request
  try {
    const response = await fetch(url, {
      method,
      signal,
      // A redirected POST loses its body, and the page that it reaches may respond 200.
      redirect: 'error',
      ...(body instanceof Blob ? streamed(body, headers, onSent) : { headers, body }),
    })
    await response.body?.cancel()
    return { status: response.status, header: (name) => response.headers.get(name) }
  } catch {
    signal.throwIfAborted()
    throw connectionError()
  }
}

/** Streams the body, so that its bytes are counted. Stream requires the `Content-Length` of a chunk. */
function streamed(
  blob: Blob,
  headers: Readonly<Record<string, string>>,
  onSent: (sentBytes: number) => void,
) {
  let sentBytes = 0
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      controller.enqueue(piece)
      sentBytes += piece.byteLength
      onSent(sentBytes)
    },
  })
  return {
    headers: { ...headers, 'content-length': String(blob.size) },
    body: blob.stream().pipeThrough(counter),
    // https://fetch.spec.whatwg.org/#dom-requestinit-duplex
    duplex: 'half',
  }
}

/** Omits the platform's error, which may contain the upload URL. */
export function connectionError() {
  return uploadError('The connection to Cloudflare Stream was lost during the transfer.', {
    code: 'NETWORK',
  })
}
