/** Sends one HTTP request to an upload URL, with upload progress. A request that stalls is cut. */
import type { ClientClock } from '../clock.ts'
import { type FileBytes, bytesInMemory } from '../sources/source-file.ts'
import { UploadError, uploadError } from '../upload-error.ts'
import { type FileForm, streamedBody, wholeBody } from './request-body.ts'
import { STALL_MS, type StallTimer, createStallTimer, responseLimitMs } from './stall-timer.ts'

/** A request whose body is part of a file, or a form with the file. */
export interface HTTPRequest {
  readonly method: 'POST' | 'HEAD' | 'PATCH'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: FileBytes | FileForm | null
  readonly fetch: typeof globalThis.fetch
  readonly clock: ClientClock
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

/**
 * @throws UploadError NETWORK without a response, or if no byte moved for 30 seconds; SOURCE_FAILED if the file
 * cannot be read; the signal's reason on abort
 */
export async function sendRequest(request: HTTPRequest): Promise<HTTPResponse> {
  const { signal } = request
  signal.throwIfAborted()
  const running = new AbortController()
  const abort = (): void => running.abort(signal.reason)
  signal.addEventListener('abort', abort)
  const timer = createStallTimer(request.clock, () => running.abort(stalledError()))
  // fetch has no upload progress: https://fetch.spec.whatwg.org/
  const send = typeof XMLHttpRequest === 'function' ? sendByXHR : sendByFetch
  try {
    return await send({ ...request, signal: running.signal }, timer)
  } finally {
    timer.stop()
    signal.removeEventListener('abort', abort)
  }
}

async function sendByXHR(request: HTTPRequest, timer: StallTimer): Promise<HTTPResponse> {
  const { method, url, body, signal, onSent } = request
  const whole = body === null ? { body: null, headers: {} } : await wholeBody(body, signal)
  signal.throwIfAborted()
  const response = await new Promise<HTTPResponse | null>((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    const abort = (): void => xhr.abort()
    xhr.open(method, url)
    for (const [name, value] of Object.entries({ ...request.headers, ...whole.headers })) {
      xhr.setRequestHeader(name, value)
    }
    xhr.upload.addEventListener('progress', ({ loaded, total }) => {
      timer.start(loaded < total ? STALL_MS : responseLimitMs(total))
      onSent(loaded)
    })
    xhr.addEventListener('load', () =>
      resolve({ status: xhr.status, header: (name) => xhr.getResponseHeader(name) }),
    )
    xhr.addEventListener('error', () => resolve(null))
    xhr.addEventListener('abort', () => reject(signal.reason))
    xhr.addEventListener('loadend', () => signal.removeEventListener('abort', abort))
    signal.addEventListener('abort', abort)
    timer.start(body === null ? responseLimitMs(0) : STALL_MS)
    xhr.send(whole.body)
  })
  if (response !== null) return response
  // The browser does not tell an unreadable file from a broken connection.
  if (whole.body instanceof Blob) await bytesInMemory(whole.body.slice(0, 1))
  throw connectionError()
}

async function sendByFetch(request: HTTPRequest, timer: StallTimer): Promise<HTTPResponse> {
  const { method, url, body, headers, fetch, signal } = request
  const errors: unknown[] = []
  timer.start(body === null ? responseLimitMs(0) : STALL_MS)
  try {
    const response = await fetch(url, {
      method,
      signal,
      // A redirected POST loses its body, and the page that it reaches may respond 200.
      redirect: 'error',
      ...(body === null ? { headers } : streamed(request, body, timer, errors)),
    })
    await response.body?.cancel()
    return { status: response.status, header: (name) => response.headers.get(name) }
  } catch {
    signal.throwIfAborted()
    throw errors.find((error) => error instanceof UploadError) ?? connectionError()
  }
}

/**
 * Streams the body, so that its bytes are counted. Stream requires the `Content-Length` of a chunk.
 * @param errors receives the error of a file that cannot be read, which `fetch` may hide
 */
function streamed(
  { headers, signal, onSent }: HTTPRequest,
  body: FileBytes | FileForm,
  timer: StallTimer,
  errors: unknown[],
) {
  const { bytes, headers: bodyHeaders, pieces } = streamedBody(body, signal)
  let sentBytes = 0
  return {
    headers: { ...headers, ...bodyHeaders, 'content-length': String(bytes) },
    body: new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          // The platform takes the next piece: the line moves. Reading a slow source is no stall.
          timer.stop()
          try {
            const { value } = await pieces.next()
            if (value === undefined) {
              controller.close()
              timer.start(responseLimitMs(bytes))
              return
            }
            controller.enqueue(value)
            sentBytes += value.byteLength
            onSent(sentBytes)
            timer.start(STALL_MS)
          } catch (error) {
            errors.push(error)
            controller.error(error)
          }
        },
        async cancel() {
          await pieces.return()
        },
      },
      { highWaterMark: 0 },
    ),
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

function stalledError() {
  return uploadError('The connection to Cloudflare Stream stalled: no bytes moved in time.', {
    code: 'NETWORK',
  })
}
