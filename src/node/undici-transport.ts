/** HTTP transport over undici's keep-alive connections: Node's adapter of `HttpTransport`. */
import { Agent, type Dispatcher } from 'undici'
import {
  MAX_RESPONSE_BYTES,
  type TransportHeaders,
  type HttpTransport,
  type TransportFailure,
} from '../stream/rest/transport.ts'
import { startTimeout, startTimer } from '../stream/rest/timeouts.ts'

/** Maximum connections per host. Further requests wait for one; the waiting counts towards their timeout. */
const MAX_CONNECTIONS = 128
/** Connect timeout in milliseconds. Nothing has been sent when it expires. */
const CONNECT_TIMEOUT_MS = 5000
/**
 * Idle timeout in milliseconds. The gateway must close idle connections before the server does: a request
 * sent at that moment is lost and cannot be retried safely. Cloudflare's timeout is 400 seconds; servers with
 * a shorter one, such as Node's, announce it in `Keep-Alive`, which undici respects.
 * https://developers.cloudflare.com/fundamentals/reference/connection-limits/
 */
const IDLE_TIMEOUT_MS = 15_000

export interface UndiciTransport {
  readonly send: HttpTransport
  /** Waits for running requests, then closes all connections. */
  close(): Promise<void>
}

type Outcome = Awaited<ReturnType<HttpTransport>>

/**
 * One transport serves Stream's API and its upload host, another the targets of callbacks. Requests are never retried: undici retries only requests
 * pipelined behind another one, and pipelining is 1. Responses are not compressed, as no encoding is accepted.
 * @param maxResponseBytes maximum size of a response body
 */
export function createUndiciTransport(maxResponseBytes = MAX_RESPONSE_BYTES): UndiciTransport {
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    pipelining: 1,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    keepAliveMaxTimeout: IDLE_TIMEOUT_MS,
    // Each request has one timeout for its whole duration; undici's restart with every byte.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const targetOf = cacheLastURL()
  return {
    async send(request, signal) {
      signal?.throwIfAborted()
      const { method, body = null, bodyTimeoutMs } = request
      const { origin, path } = targetOf(request.url)
      const headers = headersFor(request.headers)
      return new Promise((resolve, reject) => {
        const state = createRequestState(maxResponseBytes, { onStatus, finish })
        let stopTimer = startTimeout(request, abort)
        function abort(): void {
          state.stop('timeout')
        }
        function onStatus(): void {
          if (bodyTimeoutMs === undefined) return
          stopTimer()
          stopTimer = startTimer(bodyTimeoutMs, abort)
        }
        function finish(outcome: Outcome): void {
          stopTimer()
          signal?.removeEventListener('abort', abort)
          const isComplete = outcome.kind === 'response'
          const isEnough = outcome.status !== null && bodyTimeoutMs !== undefined
          if (signal?.aborted !== true || isComplete || isEnough) resolve(outcome)
          // The caller's abort reason may be any value, and is passed through.
          // oxlint-disable-next-line typescript/prefer-promise-reject-errors
          else reject(signal.reason)
        }
        signal?.addEventListener('abort', abort, { once: true })
        agent.dispatch({ origin, path, method, body, headers }, state.handler)
      })
    },
    close: () => agent.close(),
  }
}

/** Parses URLs, and caches the last one: all mints use the same URL. */
function cacheLastURL() {
  let url = ''
  let target = { origin: '', path: '' }
  return (requestedURL: string) => {
    if (requestedURL === url) return target
    const { origin, pathname, search } = new URL(requestedURL)
    url = requestedURL
    target = { origin, path: `${pathname}${search}` }
    return target
  }
}

/**
 * Returns names and values alternately, with the defaults that `fetch` would add. Cloudflare may challenge
 * clients without a User-Agent. https://developers.cloudflare.com/waf/tools/browser-integrity-check/
 */
function headersFor(headers: Readonly<Record<string, string>>): string[] {
  const list = ['accept', '*/*', 'user-agent', 'headgate']
  for (const [name, value] of Object.entries(headers)) list.push(name, value)
  return list
}

interface RequestListener {
  /** The headers of the final response have arrived. */
  readonly onStatus: () => void
  /** Called exactly once, with the result. */
  readonly finish: (outcome: Outcome) => void
}

/** State of one running request. */
function createRequestState(maxResponseBytes: number, { onStatus, finish }: RequestListener) {
  /** Null until undici is about to write to a connection: nothing has been sent before. */
  let writing: Dispatcher.DispatchController | null = null
  let status: number | null = null
  let headers: TransportHeaders | null = null
  let chunks: Buffer[] = []
  let bytes = 0
  let isOver = false

  function end(outcome: Outcome): void {
    if (isOver) return
    isOver = true
    chunks = []
    finish(outcome)
  }

  function fail(reason: TransportFailure['reason'], cause: unknown = null): void {
    end({ kind: 'failure', reason, status, headers, mayHaveBeenSent: writing !== null, cause })
  }

  function stop(reason: 'timeout' | 'too-large'): void {
    fail(reason)
    writing?.abort(new Error('stopped'))
  }

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      // The request timed out while waiting for a connection, or undici is retrying it.
      if (isOver || writing !== null) controller.abort(new Error('stopped'))
      else writing = controller
    },
    onResponseStart(_controller, code, received) {
      // Informational responses, such as 103, precede the final one.
      if (code < 200) return
      status = code
      headers = headersOf(received)
      if (!isOver) onStatus()
    },
    onResponseData(_controller, chunk) {
      bytes += chunk.byteLength
      if (bytes > maxResponseBytes) stop('too-large')
      else if (!isOver) chunks.push(chunk)
    },
    onResponseEnd() {
      if (status === null || headers === null) fail('connection')
      else end({ kind: 'response', status, headers, text: textOf(chunks) })
    },
    onResponseError(_controller, error) {
      fail('connection', error)
    },
  }
  return { handler, stop }
}

function headersOf(received: Readonly<Record<string, string | string[] | undefined>>) {
  return {
    get(name: string): string | null {
      const value = received[name.toLowerCase()]
      if (Array.isArray(value)) return value.join(', ')
      return typeof value === 'string' ? value : null
    },
  }
}

const utf8 = new TextDecoder()

function textOf(chunks: readonly Buffer[]): string {
  const [only] = chunks
  return utf8.decode(only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks))
}
