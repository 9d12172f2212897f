/** Limits of what one WebSocket may send before its messages are processed. */
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'

/** https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const POLICY_VIOLATION = 1008
const MESSAGE_TOO_BIG = 1009

/** Bytes that a socket may send until its `connection_init` is accepted: as many as the headers of a request. */
const MAX_UNAUTHENTICATED_BYTES = 24 * 1024

/**
 * Pings and pongs that a socket may send within CONTROL_FRAMES_MS. They do not wait in the message queue: of a
 * thousand sockets that send pings without a pause, each tick of the event loop would respond to a thousand.
 */
const MAX_CONTROL_FRAMES = 100
const CONTROL_FRAMES_MS = 10_000

/** Memory for each read of the connection besides its bytes. */
const READ_OVERHEAD_BYTES = 256

/** Closes the socket if its client sends too many bytes until the returned function is called. */
export function limitBytes(socket: WebSocket, connection: Socket): () => void {
  let received = 0
  function add(chunk: Buffer): void {
    received += chunk.length + READ_OVERHEAD_BYTES
    if (received > MAX_UNAUTHENTICATED_BYTES) closeNow(socket, connection, MESSAGE_TOO_BIG)
  }
  connection.on('data', add)
  return () => void connection.off('data', add)
}

/** Closes the socket if its client sends too many pings and pongs. */
export function limitControlFrames(
  socket: WebSocket,
  connection: Socket,
  monotonicMs: () => number,
): void {
  let received = 0
  let since = monotonicMs()
  function add(): void {
    const now = monotonicMs()
    if (now - since >= CONTROL_FRAMES_MS) {
      received = 0
      since = now
    }
    received += 1
    if (received > MAX_CONTROL_FRAMES) closeNow(socket, connection, POLICY_VIOLATION)
  }
  socket.on('ping', add)
  socket.on('pong', add)
}

/** Closes without waiting for the close frame of the client, which may follow the rest of its messages. */
function closeNow(socket: WebSocket, connection: Socket, code: number): void {
  socket.close(code)
  connection.destroySoon()
  discardReceived(socket)
}

/**
 * Discards what was received and not processed. Otherwise `ws` processes it after the close too, one frame per tick:
 * 64 KiB contain 10,000 pings, with which a few thousand closed sockets would make each tick slow for minutes. `ws`
 * has no function for this; without these undocumented fields, the frames are processed.
 */
function discardReceived(socket: WebSocket): void {
  const receiver: unknown = Reflect.get(socket, '_receiver')
  if (typeof receiver !== 'object' || receiver === null) return
  Reflect.set(receiver, '_bufferedBytes', 0)
  Reflect.set(receiver, '_buffers', [])
}
