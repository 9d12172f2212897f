/** Sends callbacks by the transport that the host also uses for Stream. */
import type { Deadlines } from '../shared/deadlines.ts'
import type { HttpTransport } from '../stream/rest/transport.ts'
import { ATTEMPT_TIMEOUT_MS, BODY_TIMEOUT_MS, type CallbackTransport } from './transport.ts'

/** @param deadlines after ATTEMPT_TIMEOUT_MS, for hosts on which attempts can share a timer */
export function sendByHttp(send: HttpTransport, deadlines?: Deadlines): CallbackTransport {
  const timeouts = {
    timeoutMs: ATTEMPT_TIMEOUT_MS,
    bodyTimeoutMs: BODY_TIMEOUT_MS,
    ...(deadlines === undefined ? {} : { deadlines }),
  }
  return ({ url, headers, body }) =>
    send({
      purpose: 'deliver a callback',
      method: 'POST',
      url,
      headers,
      body,
      changes: true,
      ...timeouts,
    })
}
