/**
 * GraphQL over WebSocket: the protocol `graphql-transport-ws`, with the token in
 * `connectionParams.authorization`. https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
import type { RejectionReason } from '../../../uploads/ports/telemetry.ts'
import type { Dependencies } from '../../../uploads/dependencies.ts'
import type { Authenticate } from '../../auth/authenticate.ts'
import type { FastPath } from '../fast-path/fast-path.ts'
import { FORBIDDEN, TRY_AGAIN_LATER, createConnect } from './connection-auth.ts'
import { type SocketConnection, openConnection } from './connection.ts'
import { createBeginOperation } from './operation.ts'
import type { SocketSink } from './connection-output.ts'
import type { Yoga } from '../yoga.ts'

/** An endpoint of its own, in what is counted: HTTP has no status for what happens on a socket. */
const ENDPOINT = 'websocket'
/** Why a socket that was never accepted was closed, by the code of its closing. */
const REASONS: ReadonlyMap<number, RejectionReason> = new Map([
  [FORBIDDEN, 'unauthenticated'],
  [TRY_AGAIN_LATER, 'concurrency_limit'],
])

/** Milliseconds between two pings of a host, shorter than the idle timeout of common proxies. */
export const PING_MS = 12_000

/** What a host that carries sockets needs. */
export interface GraphQLWebSocketServer {
  /**
   * Serves a socket that is open; the host hands on what comes by it.
   * @param fastPath the fast path; null on hosts that have none
   */
  open(
    sink: SocketSink,
    fastPath: Pick<FastPath, 'subscribe' | 'learnSubscription'> | null,
  ): SocketConnection
}

/** A token that is not valid closes with 4403; a socket too many with 1013. */
export function createGraphQLWebSocketServer(
  dependencies: Pick<Dependencies, 'clock' | 'closing' | 'log' | 'telemetry'>,
  yoga: Yoga,
  authenticate: Authenticate,
): GraphQLWebSocketServer {
  const { telemetry } = dependencies
  const beginOperation = createBeginOperation(yoga)
  const connect = createConnect(dependencies, authenticate)

  return {
    open(sink, fastPath) {
      let isAccepted = false
      return openConnection(
        {
          ...dependencies,
          fastPath,
          beginOperation,
          async connect(authorization, close) {
            const authenticated = await connect(authorization, close)
            if (authenticated === null) return null
            isAccepted = true
            sink.onAccepted?.()
            const ended = telemetry.webSocketOpened()
            return {
              ...authenticated,
              leave() {
                ended()
                authenticated.leave()
              },
            }
          },
          onClosed(code) {
            const reason = REASONS.get(code)
            if (!isAccepted && reason !== undefined) telemetry.requestRejected(ENDPOINT, reason)
          },
        },
        sink,
      )
    },
  }
}
