/** HTTP transport by `fetch`, for Workers and hosts without undici. */
import { errorCodeChain } from '../../shared/error-codes.ts'
import { startTimeout, startTimer } from './timeouts.ts'
import { MAX_RESPONSE_BYTES, type HttpTransport, type TransportFailure } from './transport.ts'

/** The used part of `fetch`; tests and runtimes may pass their own. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

// Errors before the connection was established: no byte of the request was sent.
const CONNECT_ERROR_CODES = new Set([
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
 * @param fetch called as a plain function, as Workers require. Default: global, read per call
 * @param maxResponseBytes maximum size of a response body
 */
export function createFetchTransport(
  fetch: Fetch = (url, init) => globalThis.fetch(url, init),
  maxResponseBytes = MAX_RESPONSE_BYTES,
): HttpTransport {
  return async (request, signal) => {
    signal?.throwIfAborted()
    const { bodyTimeoutMs } = request
    // One controller for timeout and caller, with the listener removed by hand: AbortSignal.any() on
    // a process-long signal would collect one listener per call.
    const controller = new AbortController()
    const stop = () => controller.abort()
    signal?.addEventListener('abort', stop, { once: true })
    let stopTimer = startTimeout(request, stop)
    const stopped = new Promise<never>((_resolve, reject) => {
      controller.signal.addEventListener('abort', () => reject(new Error('stopped')), {
        once: true,
      })
    })

    let received: Response | null = null
    try {
      return await Promise.race([stopped, readResponse()])
    } catch (error) {
      if (received === null || bodyTimeoutMs === undefined) signal?.throwIfAborted()
      if (controller.signal.aborted) return transportFailure('timeout', true, error)
      return transportFailure('connection', !isConnectError(error), error)
    } finally {
      stopTimer()
      signal?.removeEventListener('abort', stop)
    }

    async function readResponse() {
      const response = await fetch(request.url, {
        method: request.method,
        headers: request.headers,
        signal: controller.signal,
        redirect: 'manual',
        ...(request.body === undefined ? {} : { body: request.body }),
      })
      received = response
      if (bodyTimeoutMs !== undefined) {
        stopTimer()
        stopTimer = startTimer(bodyTimeoutMs, stop)
      }
      const text = await readText(response, maxResponseBytes)
      if (text === null) return transportFailure('too-large', true, null)
      return { kind: 'response' as const, status: response.status, headers: response.headers, text }
    }

    function transportFailure(
      reason: TransportFailure['reason'],
      mayHaveBeenSent: boolean,
      cause: unknown,
    ): TransportFailure {
      return {
        kind: 'failure',
        reason,
        status: received?.status ?? null,
        headers: received?.headers ?? null,
        mayHaveBeenSent: mayHaveBeenSent || received !== null,
        cause,
      }
    }
  }
}

function isConnectError(error: unknown): boolean {
  return errorCodeChain(error).some((name) => CONNECT_ERROR_CODES.has(name))
}

/** Returns null when the body exceeds the limit; the rest is not read. */
async function readText(response: Response, maxBytes: number): Promise<string | null> {
  if (response.body === null) return ''
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    bytes += value.byteLength
    if (bytes > maxBytes) {
      await reader.cancel()
      return null
    }
    text += decoder.decode(value, { stream: true })
  }
}
