/**
 * GraphQL over WebSocket: the protocol `graphql-transport-ws`, with the token in
 * `connectionParams.authorization`. https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
import type { RefusalReason } from '../../../uploads/ports/telemetry.ts'
import type { Parts } from '../../../uploads/dependencies.ts'
import type { Authenticate } from '../../auth/authenticate.ts'
import type { Lane } from '../fast-path/fast-path.ts'
import { FORBIDDEN, TRY_AGAIN_LATER, createConnect } from './connection-auth.ts'
import { type SocketConnection, openConnection } from './connection.ts'
import { createBeginOperation } from './operation.ts'
import type { SocketSink } from './connection-output.ts'
import type { Yoga } from '../yoga.ts'

/** An endpoint of its own, in what is counted: HTTP has no status for what happens on a socket. */
const ENDPOINT = 'websocket'
/** Why a socket that was never accepted was closed, by the code of its closing. */
const REASONS: ReadonlyMap<number, RefusalReason> = new Map([
  [FORBIDDEN, 'unauthenticated'],
  [TRY_AGAIN_LATER, 'crowded'],
])

/** What a host that carries sockets needs. */
export interface SocketDoor {
  /**
   * Serves a socket that is open; the host hands on what comes by it.
   * @param lane the fast path; null on hosts that have none
   */
  open(sink: SocketSink, lane: Pick<Lane, 'watch' | 'learnWatched'> | null): SocketConnection
}

/** A token that is not valid closes with 4403; a socket too many with 1013. */
export function createSocketDoor(
  parts: Pick<Parts, 'clock' | 'closing' | 'log' | 'telemetry'>,
  yoga: Yoga,
  authenticate: Authenticate,
): SocketDoor {
  const { telemetry } = parts
  const begin = createBeginOperation(yoga)
  const connect = createConnect(parts, authenticate)

  return {
    open(sink, lane) {
      let isAccepted = false
      return openConnection(
        {
          ...parts,
          lane,
          begin,
          async connect(authorization, close) {
            const authenticated = await connect(authorization, close)
            if (authenticated === null) return null
            isAccepted = true
            const ended = telemetry.socketOpened()
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
            if (!isAccepted && reason !== undefined) telemetry.refused(ENDPOINT, reason)
          },
        },
        sink,
      )
    },
  }
}
