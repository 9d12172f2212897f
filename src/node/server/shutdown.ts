/** Waits for the responses of an HTTP server that shuts down, and closes its connections. */
import { once, setMaxListeners } from 'node:events'
import type { Server, ServerResponse } from 'node:http'
import type { ConnectionLimit } from './connection-limit.ts'

/**
 * Resolves when each response was sent completely or its connection closed, or after `graceMs`. Closes the
 * connections whose request has not been received completely after `requestMs`.
 */
export async function waitUntilSent(
  responses: readonly ServerResponse[],
  graceMs: number,
  requestMs: number,
): Promise<void> {
  const incomplete = setTimeout(() => {
    for (const { req, writableFinished } of responses) {
      if (!req.complete && !writableFinished) req.socket.destroy()
    }
  }, requestMs)
  const timedOut = new AbortController()
  const deadline = setTimeout(() => timedOut.abort(), graceMs)
  const { signal } = timedOut
  setMaxListeners(0, signal)
  const sent = responses.map((response) =>
    Promise.race([once(response, 'finish', { signal }), once(response, 'close', { signal })]),
  )
  await Promise.allSettled(sent)
  clearTimeout(deadline)
  clearTimeout(incomplete)
}

/** How long a connection may stay open after its last response, in milliseconds. */
const CLOSE_GRACE_MS = 1000

/** Milliseconds between two checks for idle connections, and until a client that has just connected must have sent something. */
const IDLE_CHECK_MS = 50

/**
 * Stops listening. Resolves when all connections are closed: the idle ones at once, and those that wait for their
 * clients after `graceMs`, or CLOSE_GRACE_MS if that is less.
 */
export function drain(
  server: Server,
  connectionLimit: Pick<ConnectionLimit, 'closeUnused'>,
  graceMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(
      () => server.closeAllConnections(),
      Math.min(graceMs, CLOSE_GRACE_MS),
    )
    // A connection that becomes idle while the server closes would keep it open.
    const check = setInterval(() => {
      server.closeIdleConnections()
      // Browsers and HTTP clients open connections before they have a request.
      connectionLimit.closeUnused()
    }, IDLE_CHECK_MS)
    server.close(() => {
      clearTimeout(deadline)
      clearInterval(check)
      resolve()
    })
    server.closeIdleConnections()
  })
}
