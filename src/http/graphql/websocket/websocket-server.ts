/**
 * GraphQL over WebSocket: the protocol `graphql-transport-ws`, with the token in the payload of
 * `connection_init`. https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
import type { RejectionReason } from '../../../uploads/ports/telemetry.ts'
import type { Dependencies } from '../../../uploads/dependencies.ts'
import type { Authenticate } from '../../auth/authenticate.ts'
import type { TokenExpiry } from '../../auth/token-expiry.ts'
import type { FastPath } from '../fast-path/fast-path.ts'
import type { FindDocument } from '../plugins/persisted-queries.ts'
import { FORBIDDEN, TRY_AGAIN_LATER, createConnect } from './connection-auth.ts'
import { type ConnectionOptions, openConnection } from './connection.ts'
import { createBeginOperation } from './operation.ts'
import type { SocketConnection, SocketSink } from './connection-output.ts'
import type { Yoga } from '../yoga.ts'

/** Metric label; separate from the HTTP endpoints, because sockets close with codes instead of statuses. */
const ENDPOINT = 'websocket'
/** Rejection reason of sockets closed before they were accepted, by close code. */
const REASONS: ReadonlyMap<number, RejectionReason> = new Map([
  [FORBIDDEN, 'unauthenticated'],
  [TRY_AGAIN_LATER, 'concurrency_limit'],
])

/** Milliseconds between two pings, shorter than the idle timeout of common proxies. */
export const PING_MS = 12_000

/** The GraphQL WebSocket server of a host. */
export interface GraphQLWebSocketServer {
  /**
   * Serves an open socket; the host passes its messages to the returned connection.
   * @param fastPath null on hosts without a fast path
   */
  open(
    sink: SocketSink,
    fastPath: Pick<FastPath, 'subscribe' | 'recordSubscription'> | null,
  ): SocketConnection
}

/** Sockets with an invalid token close with 4403, and those above the limit per caller with 1013. */
export function createGraphQLWebSocketServer(
  dependencies: Pick<Dependencies, 'clock' | 'closing' | 'log' | 'telemetry'>,
  yoga: Yoga,
  authenticate: Authenticate,
  tokenExpiry: TokenExpiry,
  findDocument: FindDocument,
): GraphQLWebSocketServer {
  const options: ConnectionOptions = {
    ...dependencies,
    beginOperation: createBeginOperation(yoga, findDocument),
    connect: createConnect(dependencies, authenticate, tokenExpiry),
    onRejected(code) {
      const reason = REASONS.get(code)
      if (reason !== undefined) dependencies.telemetry.requestRejected(ENDPOINT, reason)
    },
  }
  return { open: (sink, fastPath) => openConnection(options, fastPath, sink) }
}
