/** Carries GraphQL over one WebSocket of `ws`: its messages, its end, and a pulse in between. */
import { randomBytes } from 'node:crypto'
import type { Server } from 'graphql-ws'
import type { WebSocket } from 'ws'
import type { Lane } from '../http/lane/lane.ts'
import { type Line, createSocketLane } from '../http/lane/socket-lane.ts'
import type { SocketDoor, SocketExtra } from '../http/socket.ts'
import type { Log } from '../uploads/parts.ts'

/** Milliseconds between two pings, shorter than the idle limit of common proxies. */
const PING_MS = 12_000
/** Bytes that may wait for a client to read them, before newer events take the place of older ones. */
const ENOUGH_UNREAD_BYTES = 64 * 1024
/** And before nothing more of it is read. */
const MUCH_UNREAD_BYTES = 1024 * 1024
/** And before it is cut off. */
const MOST_UNREAD_BYTES = 16 * 1024 * 1024
/** https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md */
const BAD_REQUEST = 4400
/** Something of ours went wrong. */
const INTERNAL_SERVER_ERROR = 4500

/** Who answers what comes by a socket. */
export interface Answering {
  readonly graphql: Server<SocketExtra>
  readonly door: SocketDoor
  readonly lane: Pick<Lane, 'watch'>
  readonly log: Log
}

/**
 * Whoever answers no ping until the next one is due is gone, or reads nothing: it is cut off.
 * Returns what resolves once no query and no mutation of the socket is under way.
 */
export function carrySocket(
  { graphql, door, lane, log }: Answering,
  socket: WebSocket,
): () => Promise<void> {
  const stopPulse = startPulse(socket)
  // Frames that break the protocol, or are too large. `ws` closes with the code that says so.
  socket.on('error', (error) => log.debug({ err: error }, 'a socket broke the protocol'))

  const close = (code: number, reason: string): void => socket.close(code, reason)
  const extra: SocketExtra = { close }
  let receive: ((text: string) => Promise<void>) | null = null

  function pass(text: string): void {
    receive?.(text).catch((error: unknown) => {
      if (isClientsFault(error)) {
        close(BAD_REQUEST, 'No client sends such a message')
        return
      }
      log.error({ err: error }, 'unexpected error')
      close(INTERNAL_SERVER_ERROR, 'Internal server error')
    })
  }

  // After whatever was read: a socket that carries many subscriptions has one line for all of them.
  const flushed = (): void => {
    if (socket.bufferedAmount < ENOUGH_UNREAD_BYTES) watching.goOn()
  }
  const line: Line = { send: (message) => sendOrWait(socket, message, flushed), close }
  const watching = createSocketLane(lane, () => door.seatOf(extra), line, pass)
  socket.on('message', (data: Buffer) => {
    const text = data.toString()
    if (!watching.receive(text)) pass(text)
  })
  const closed = graphql.opened(
    {
      protocol: socket.protocol,
      send: (data) => send(socket, data).finally(flushed),
      close,
      onMessage(callback) {
        receive = callback
      },
    },
    extra,
  )
  socket.once('close', (code, reason) => {
    stopPulse()
    watching.close()
    Promise.resolve(closed(code, reason.toString())).catch((error: unknown) => {
      log.error({ err: error }, 'unexpected error')
    })
  })
  return async () => {
    await door.quiet(extra)
    // What it came to is on its way by then.
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

/** False where so much is unread that nothing more is to be sent until there is room again. */
function sendOrWait(socket: WebSocket, message: string, flushed: () => void): boolean {
  if (socket.readyState !== socket.OPEN) return true
  if (socket.bufferedAmount < ENOUGH_UNREAD_BYTES) {
    socket.send(message)
    return true
  }
  socket.send(message, flushed)
  if (socket.bufferedAmount > MOST_UNREAD_BYTES) socket.terminate()
  return false
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
