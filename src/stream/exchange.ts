/** One HTTP exchange with Stream: bounded in time and size, never redirected, never repeated. */
import { nameCauses } from './name-causes.ts'
import { StreamError } from './errors.ts'

/** The part of `fetch` that is used, so that tests and runtimes can hand in their own. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** What to send, and what is needed to speak of it when it fails. */
export interface StreamRequest {
  /** What the call is for, as it stands after "could not": "mint a tus URL". */
  readonly purpose: string
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Whether Stream changes something by it: a failure then leaves open whether it has. */
  readonly changes: boolean
  /** For the whole exchange, the body's last byte included. */
  readonly timeoutMs: number
}

/** An answer that has arrived in full. */
export interface StreamAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

// A list of 1,000 videos is 2 to 3 MB; whatever is much larger was not written by Stream.
const maxAnswerBytes = 8 * 1024 * 1024

// Failures that leave no doubt: the connection never stood, so that nothing can have been sent.
const neverConnected = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

/**
 * Sends the request once and waits for the whole answer, whatever its status below or above 400.
 *
 * @throws StreamError `unavailable` where no complete answer came, and for a redirect.
 * @throws the caller's own abort reason, as it is.
 */
export async function exchange(
  fetch: Fetch,
  request: StreamRequest,
  signal?: AbortSignal,
): Promise<StreamAnswer> {
  signal?.throwIfAborted()
  // One controller for both ends, taken down by hand: AbortSignal.any() on a signal that lives as
  // long as the process would gather one listener a call.
  const controller = new AbortController()
  const stop = () => controller.abort()
  signal?.addEventListener('abort', stop, { once: true })
  const timer = setTimeout(stop, request.timeoutMs)
  const stopped = new Promise<never>((_resolve, reject) => {
    controller.signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true })
  })

  let status: number | null = null
  try {
    const received = await Promise.race([stopped, send()])
    if (isRedirect(received.status)) throw broken(request, 'it redirected the call', status)
    if (received.text === null) throw broken(request, 'its answer was larger than 8 MB', status)
    return { ...received, text: received.text }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof StreamError) throw error
    if (controller.signal.aborted)
      throw broken(request, `it did not answer within ${request.timeoutMs} ms`, status)
    throw lost(request, error, status)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }

  async function send() {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      signal: controller.signal,
      // A redirect followed is a token carried to another house.
      redirect: 'manual',
      ...(request.body === undefined ? {} : { body: request.body }),
    })
    status = response.status
    return { status, headers: response.headers, text: await readText(response) }
  }
}

/** Null when the body goes beyond the bound; it is then left unread. */
async function readText(response: Response): Promise<string | null> {
  if (response.body === null) return ''
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    bytes += value.byteLength
    if (bytes > maxAnswerBytes) {
      await reader.cancel()
      return null
    }
    text += decoder.decode(value, { stream: true })
  }
}

// Browsers and Workers show a redirect that was not followed as status 0.
function isRedirect(status: number): boolean {
  return status === 0 || (status >= 300 && status < 400)
}

function broken(request: StreamRequest, what: string, status: number | null): StreamError {
  return new StreamError(`Stream could not ${request.purpose}: ${what}.`, {
    kind: 'unavailable',
    // A status of 4xx is a refusal even where its explanation never arrived.
    mayHaveHappened: request.changes && !(status !== null && status >= 400 && status < 500),
    status,
    codes: [],
    retryAfterSeconds: null,
  })
}

function lost(request: StreamRequest, error: unknown, status: number | null): StreamError {
  const names = nameCauses(error)
  const before = status === null && names.some((name) => neverConnected.has(name))
  const trail = names.join(', ') || 'no reason given'
  return new StreamError(
    `Stream could not ${request.purpose}: the connection failed (${trail}).`,
    {
      kind: 'unavailable',
      mayHaveHappened: request.changes && !before,
      status,
      codes: [],
      retryAfterSeconds: null,
    },
    // Not the error itself: fetch quotes addresses and headers in some of its messages, and the
    // parser's errors carry the raw answer.
    { cause: new Error(trail) },
  )
}
