/** Exchanges with Stream by `fetch`: for Workers, and wherever else nothing better is at hand. */
import { nameCauses } from '../name-causes.ts'
import { MAX_ANSWER_BYTES, type Send, type Unanswered } from './transport.ts'

/** The part of `fetch` that is used, so that tests and runtimes can hand in their own. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

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

/** @param fetch looked up at each call where left out, and called on its own: Workers' refuses to be a method. */
export function sendByFetch(fetch: Fetch = (url, init) => globalThis.fetch(url, init)): Send {
  return async (request, signal) => {
    signal?.throwIfAborted()
    // One controller for both ends, taken down by hand: AbortSignal.any() on a signal that lives as
    // long as the process would gather one listener a call.
    const controller = new AbortController()
    const stop = () => controller.abort()
    signal?.addEventListener('abort', stop, { once: true })
    const timer = setTimeout(stop, request.timeoutMs)
    const stopped = new Promise<never>((_resolve, reject) => {
      controller.signal.addEventListener('abort', () => reject(new Error('stopped')), {
        once: true,
      })
    })

    let status: number | null = null
    try {
      return await Promise.race([stopped, exchange()])
    } catch (error) {
      signal?.throwIfAborted()
      if (controller.signal.aborted) return unanswered('late', true, error)
      return unanswered('lost', !hasNeverConnected(error), error)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
    }

    async function exchange() {
      const response = await fetch(request.url, {
        method: request.method,
        headers: request.headers,
        signal: controller.signal,
        redirect: 'manual',
        ...(request.body === undefined ? {} : { body: request.body }),
      })
      status = response.status
      const text = await readText(response)
      if (text === null) return unanswered('large', true, null)
      return { kind: 'answered' as const, status, headers: response.headers, text }
    }

    function unanswered(why: Unanswered['why'], mayHaveLeft: boolean, cause: unknown): Unanswered {
      return { kind: 'unanswered', why, status, mayHaveLeft: mayHaveLeft || status !== null, cause }
    }
  }
}

function hasNeverConnected(error: unknown): boolean {
  return nameCauses(error).some((name) => neverConnected.has(name))
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
    if (bytes > MAX_ANSWER_BYTES) {
      await reader.cancel()
      return null
    }
    text += decoder.decode(value, { stream: true })
  }
}
