/** Carries GraphQL over one WebSocket of `ws`: its messages, its end, and a pulse in between. */
import { randomBytes } from 'node:crypto'
import type { WebSocket } from 'ws'
import { closeReason } from '../../http/graphql/websocket/close-reason.ts'
import { type Guard, createGuard } from '../../shared/guard-listener.ts'
import type { Lane } from '../../http/graphql/fast-path/fast-path.ts'
import type { SocketDoor } from '../../http/graphql/websocket/websocket-server.ts'
import type { Log } from '../../uploads/dependencies.ts'

/** Milliseconds between two pings, shorter than the idle limit of common proxies. */
const PING_MS = 12_000
/** Bytes that may wait for a client to read them, before newer events take the place of older ones. */
const ENOUGH_UNREAD_BYTES = 64 * 1024
/** And before nothing more of it is read. */
const MUCH_UNREAD_BYTES = 1024 * 1024
/** And before it is cut off. */
const MOST_UNREAD_BYTES = 16 * 1024 * 1024

/** Who answers what comes by a socket. */
export interface Answering {
  readonly door: SocketDoor
  readonly lane: Pick<Lane, 'watch' | 'learnWatched'>
  readonly log: Log
}

/**
 * Whoever answers no ping until the next one is due is gone, or reads nothing: it is cut off.
 * Returns what resolves once no query and no mutation of the socket is under way.
 */
export function carrySocket(
  { door, lane, log }: Answering,
  socket: WebSocket,
): () => Promise<void> {
  const guard = createGuard(log, () => socket.terminate())
  const stopPulse = startPulse(socket, guard)
  // Frames that break the protocol, or are too large. `ws` closes with the code that says so.
  socket.on('error', (error) => log.debug({ err: error }, 'a socket broke the protocol'))

  /** Whether events wait for room. Until there is, every message tells when it has been written. */
  let isFull = false
  const written = guard(() => {
    if (socket.isPaused && socket.bufferedAmount < MUCH_UNREAD_BYTES) socket.resume()
    if (!isFull || socket.bufferedAmount >= ENOUGH_UNREAD_BYTES) return
    isFull = false
    connection.flushed()
  })

  const connection = door.open(
    {
      protocol: socket.protocol,
      send(message) {
        if (socket.readyState !== socket.OPEN) return true
        if (!isFull && socket.bufferedAmount < ENOUGH_UNREAD_BYTES) {
          socket.send(message)
          return true
        }
        isFull = true
        socket.send(message, written)
        // Whoever asks and does not read is not listened to, and in the end not served.
        if (socket.bufferedAmount > MOST_UNREAD_BYTES) socket.terminate()
        else if (socket.bufferedAmount > MUCH_UNREAD_BYTES) socket.pause()
        return false
      },
      close: guard((code: number, reason: string) => socket.close(code, closeReason(reason))),
    },
    lane,
  )
  socket.on(
    'message',
    guard((data: Buffer) => void connection.receive(data.toString())),
  )
  socket.once(
    'close',
    guard((code: number) => {
      stopPulse()
      connection.closed(code)
    }),
  )
  return async () => {
    await connection.idle()
    // What it came to is on its way by then.
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

/** Pings with a number that nobody can know who has not read it. Returns what ends it. */
function startPulse(socket: WebSocket, guard: Guard): () => void {
  let unanswered: Buffer | null = null
  const pulse = setInterval(
    guard(() => {
      if (unanswered !== null) {
        socket.terminate()
        return
      }
      unanswered = randomBytes(8)
      socket.ping(unanswered)
    }),
    PING_MS,
  )
  socket.on(
    'pong',
    guard((answer: Buffer) => {
      if (unanswered?.equals(answer) === true) unanswered = null
    }),
  )
  return () => clearInterval(pulse)
}
