/** Sends callbacks by the transport that the host also uses for Stream. */
import type { HttpTransport } from '../stream/rest/transport.ts'
import { LEASE_MS } from './target-deliveries.ts'
import { type CallbackTransport, BODY_TIMEOUT_MS } from './transport.ts'

/** The signal is aborted earlier than the transport's own timeout, by the dispatcher's clock. */
export function sendByHttp(send: HttpTransport): CallbackTransport {
  return ({ url, headers, body }, signal) =>
    send(
      {
        purpose: 'deliver a callback',
        method: 'POST',
        url,
        headers,
        body,
        changes: true,
        timeoutMs: LEASE_MS,
        bodyTimeoutMs: BODY_TIMEOUT_MS,
      },
      signal,
    )
}
