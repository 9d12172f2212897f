/** Authenticates WebSockets, limits their number per caller, and closes them when their token expires. */
import { CloseCode } from 'graphql-ws'
import { addReference } from '../../../shared/ref-count.ts'
import type { Dependencies } from '../../../uploads/dependencies.ts'
import type { Viewer } from '../../../uploads/viewer.ts'
import { type Authenticate, isViewer } from '../../auth/authenticate.ts'
import type { TokenExpiry } from '../../auth/token-expiry.ts'
import type { SocketSink } from './connection-output.ts'
import { tokenInPayload } from './token-in-payload.ts'

/** Close code "Try Again Later"; clients reconnect. https://www.iana.org/assignments/websocket */
export const TRY_AGAIN_LATER = 1013
/** Close code "Forbidden", for invalid and expired tokens. */
export const FORBIDDEN = 4403

const MISSING_TOKEN = 'Missing token. Send `authorization` in the payload of connection_init.'

/** Maximum number of open WebSockets per caller; each browser tab opens one. */
export const MAX_SOCKETS = 100

/** An authenticated connection. */
export interface AuthenticatedConnection {
  readonly viewer: Viewer
  /** Whether the token has expired. */
  isExpired(): boolean
  /** Removes the connection from the caller's count and stops the token timer. Idempotent. */
  leave(): void
}

/**
 * Authenticates a connection by the payload of its `connection_init`. Returns null after it has closed the
 * connection: with FORBIDDEN if the token is missing or invalid, with TRY_AGAIN_LATER if a limit is reached or
 * tokens cannot be verified, with 4400 if the payload has a token that is not a string.
 */
export type Connect = (
  payload: Readonly<Record<string, unknown>> | undefined,
  close: SocketSink['close'],
) => Promise<AuthenticatedConnection | null>

/** Creates the function that authenticates connections and counts them per caller. */
export function createConnect(
  { clock, telemetry }: Pick<Dependencies, 'clock' | 'telemetry'>,
  authenticate: Authenticate,
  tokenExpiry: TokenExpiry,
): Connect {
  const open = new Map<string, number>()

  return async (payload, close) => {
    const token = tokenInPayload(payload)
    if (token.kind === 'invalid') {
      close(CloseCode.BadRequest, token.reason)
      return null
    }
    const { authorization } = token
    const caller = await authenticate(authorization)
    if (!isViewer(caller)) {
      if (caller.kind === 'unavailable') close(TRY_AGAIN_LATER, caller.message)
      else close(FORBIDDEN, authorization === null ? MISSING_TOKEN : caller.message)
      return null
    }
    if ((open.get(caller.subject) ?? 0) >= MAX_SOCKETS) {
      close(TRY_AGAIN_LATER, `Too many WebSocket connections (limit: ${MAX_SOCKETS} per caller).`)
      return null
    }
    const { expiresAt } = caller
    const leave = addReference(open, caller.subject)
    const ended = telemetry.webSocketOpened()
    // The client can reconnect with a new token.
    const stopTimer = tokenExpiry.onExpiry(caller, () => close(FORBIDDEN, 'The token has expired.'))
    return {
      viewer: caller,
      isExpired: () => expiresAt !== null && expiresAt <= clock.now(),
      leave() {
        stopTimer()
        ended()
        leave()
      },
    }
  }
}
