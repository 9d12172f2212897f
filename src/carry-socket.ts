/** Carries GraphQL over one WebSocket of `ws`: its messages, its end, and a pulse in between. */
import { randomBytes } from 'node:crypto'
import type { Server } from 'graphql-ws'
import type { WebSocket } from 'ws'
import type { SocketExtra } from './http/socket.ts'
import type { Log } from './uploads/parts.ts'

/** Milliseconds between two pings, shorter than the idle limit of common proxies. */
const PING_MS = 12_000
/** Bytes that may wait for a client to read them, before nothing more of it is read. */
const MUCH_UNREAD_BYTES = 1024 * 1024
/** And before it is cut off. */
const MOST_UNREAD_BYTES = 16 * 1024 * 1024
/** https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md */
const BAD_REQUEST = 4400
/** Something of ours went wrong. */
const INTERNAL_SERVER_ERROR = 4500

/** Whoever answers no ping until the next one is due is gone, or reads nothing: it is cut off. */
export function carrySocket(graphql: Server<SocketExtra>, socket: WebSocket, log: Log): void {
  const stopPulse = startPulse(socket)
  // Frames that break the protocol, or are too large. `ws` closes with the code that says so.
  socket.on('error', (error) => log.debug({ err: error }, 'a socket broke the protocol'))

  const close = (code: number, reason: string): void => socket.close(code, reason)
  const closed = graphql.opened(
    {
      protocol: socket.protocol,
      send: (data) => send(socket, data),
      close,
      onMessage: (receive) =>
        socket.on('message', (data: Buffer) => {
          receive(data.toString()).catch((error: unknown) => {
            if (isClientsFault(error)) {
              close(BAD_REQUEST, 'No client sends such a message')
              return
            }
            log.error({ err: error }, 'unexpected error')
            close(INTERNAL_SERVER_ERROR, 'Internal server error')
          })
        }),
    },
    { close },
  )
  socket.once('close', (code, reason) => {
    stopPulse()
    Promise.resolve(closed(code, reason.toString())).catch((error: unknown) => {
      log.error({ err: error }, 'unexpected error')
    })
  })
}

/** graphql-ws throws at messages that only a server sends, and payloads can be deeper than the stack. */
function isClientsFault(error: unknown): boolean {
  return (
    error instanceof RangeError ||
    (error instanceof Error && error.message.startsWith('Unexpected message of type'))
  )
}

/** Pings with a number that nobody can know who has not read it. Returns what ends it. */
function startPulse(socket: WebSocket): () => void {
  let unanswered: Buffer | null = null
  const pulse = setInterval(() => {
    if (unanswered !== null) {
      socket.terminate()
      return
    }
    unanswered = randomBytes(8)
    socket.ping(unanswered)
  }, PING_MS)
  socket.on('pong', (answer) => {
    if (unanswered?.equals(answer) === true) unanswered = null
  })
  return () => clearInterval(pulse)
}

/** Resolves when it is sent, or when there is nobody any more to send it to. */
function send(socket: WebSocket, data: string): Promise<void> {
  if (socket.readyState !== socket.OPEN) return Promise.resolve()
  const sent = new Promise<void>((resolve, reject) => {
    socket.send(data, (error) => {
      if (socket.isPaused && socket.bufferedAmount < MUCH_UNREAD_BYTES) socket.resume()
      // Whoever goes away in the middle is no error of ours.
      if (error === undefined || error === null || socket.readyState !== socket.OPEN) resolve()
      else reject(error)
    })
  })
  // Whoever asks and does not read is not listened to, and in the end not served.
  if (socket.bufferedAmount > MOST_UNREAD_BYTES) socket.terminate()
  else if (socket.bufferedAmount > MUCH_UNREAD_BYTES) socket.pause()
  return sent
}
