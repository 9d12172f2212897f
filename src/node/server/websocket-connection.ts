/** Serves GraphQL over one WebSocket of `ws`: messages, heartbeat, back-pressure and close. */
import { randomBytes } from 'node:crypto'
import type { WebSocket } from 'ws'
import { closeReason } from '../../http/graphql/websocket/close-reason.ts'
import { type Guard, createGuard } from '../../shared/guard-listener.ts'
import type { FastPath } from '../../http/graphql/fast-path/fast-path.ts'
import {
  type GraphQLWebSocketServer,
  PING_MS,
} from '../../http/graphql/websocket/websocket-server.ts'
import type { Logger } from '../../shared/logger.ts'
import type { Turns } from './turns.ts'
import type { MessageQueue } from './message-queue.ts'

/** Unsent bytes at which events wait, and newer events of an upload replace older ones. */
const BUFFER_SOFT_LIMIT_BYTES = 64 * 1024

/** Sends bytes as a text frame. */
const TEXT = { binary: false }

/** Unsent bytes above which no more messages of the client are read. */
const BUFFER_PAUSE_BYTES = 1024 * 1024

/** Unsent bytes above which the client is disconnected. */
const BUFFER_MAX_BYTES = 8 * 1024 * 1024

export interface WebSocketConnectionOptions {
  readonly server: GraphQLWebSocketServer
  readonly fastPath: Pick<FastPath, 'subscribe' | 'recordSubscription'>
  readonly log: Logger
  readonly messageQueue: MessageQueue
  readonly eventTurns: Turns
  /** Network of the client's address; null if unknown. */
  readonly network: string | null
  /** Called once, when `connection_init` was accepted. */
  readonly onAccepted: () => void
  /** Called with the bytes of each message that was written. */
  readonly onWritten: (bytes: number) => void
}

/**
 * Serves a WebSocket. Disconnects a client that has not responded to a ping when the next one is due.
 * Returns a function that resolves when no query and no mutation of the socket is running.
 */
export function handleWebSocket(
  {
    server: endpoint,
    fastPath,
    log,
    messageQueue,
    eventTurns,
    network,
    onAccepted,
    onWritten,
  }: WebSocketConnectionOptions,
  socket: WebSocket,
): () => Promise<void> {
  const guard = createGuard(log, () => socket.terminate())
  const messages = messageQueue.open(
    {
      handle: guard((message: Buffer) => void connection.receive(message.toString())),
      pause: () => socket.pause(),
      resume,
    },
    network,
  )
  const stopHeartbeat = startHeartbeat(socket, guard, () => messages.isWaiting())
  // Invalid or oversized frames; `ws` closes the socket with the matching code.
  socket.on('error', (error) => log.debug({ err: error }, 'WebSocket protocol error'))

  /** Whether the soft limit was exceeded. While true, `written` is called after each message. */
  let isFull = false
  const written = guard(() => {
    resume()
    if (!isFull || socket.bufferedAmount >= BUFFER_SOFT_LIMIT_BYTES) return
    isFull = false
    connection.flushed()
  })

  function resume(): void {
    if (!socket.isPaused || messages.isWaiting()) return
    if (socket.bufferedAmount < BUFFER_PAUSE_BYTES) socket.resume()
  }

  /** Whose turns its events take. */
  let client = network

  const connection = endpoint.open(
    {
      protocol: socket.protocol,
      send(message) {
        if (socket.readyState !== socket.OPEN) return false
        const bytes = Buffer.from(message)
        onWritten(bytes.length)
        if (!isFull && socket.bufferedAmount + bytes.length < BUFFER_SOFT_LIMIT_BYTES) {
          socket.send(bytes, TEXT)
          return true
        }
        isFull = true
        socket.send(bytes, TEXT, written)
        // Back-pressure against a client that sends requests and does not read the responses.
        if (socket.bufferedAmount > BUFFER_MAX_BYTES) socket.terminate()
        else if (socket.bufferedAmount > BUFFER_PAUSE_BYTES) socket.pause()
        return false
      },
      close: guard((code: number, reason: string) => socket.close(code, closeReason(reason))),
      nextTurn: () => eventTurns.next(client),
      onAccepted(subject) {
        client = `caller ${subject}`
        messages.setCaller(subject)
        onAccepted()
      },
    },
    fastPath,
  )
  socket.on(
    'message',
    guard((message: Buffer) => messages.receive(message)),
  )
  socket.once(
    'close',
    guard((code: number) => {
      stopHeartbeat()
      messages.close()
      connection.closed(code)
    }),
  )
  return async () => {
    await connection.idle()
    // The last results are sent before the end of this tick.
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

/**
 * Pings at an interval, and disconnects clients that do not respond. Returns a function that stops it. The
 * payload is random, so that a client cannot respond without reading its messages.
 * @param isWaiting whether messages wait: the pong may follow them, and is not read yet
 */
function startHeartbeat(socket: WebSocket, guard: Guard, isWaiting: () => boolean): () => void {
  let pendingPing: Buffer | null = null
  const heartbeat = setInterval(
    guard(() => {
      if (pendingPing !== null) {
        if (!isWaiting()) socket.terminate()
        return
      }
      pendingPing = randomBytes(8)
      socket.ping(pendingPing)
    }),
    PING_MS,
  )
  socket.on(
    'pong',
    guard((payload: Buffer) => {
      if (pendingPing?.equals(payload) === true) pendingPing = null
    }),
  )
  return () => clearInterval(heartbeat)
}
