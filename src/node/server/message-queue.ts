/**
 * Handles the messages of all WebSockets: a few milliseconds per tick, one message of each caller in turn, and
 * of each socket of a caller in turn, so that a caller gains nothing by opening many sockets.
 */
import { createFairQueue } from './fair-queue.ts'

/** Maximum handling time per tick: as long as the load shedder serves requests, so that both get their share. */
const TICK_MS = 4

/** Maximum messages per tick: most work of an operation may happen after the tick that has started it. */
const MAX_PER_TICK = 16

export interface MessageQueueOptions {
  /** Monotonic clock in milliseconds, such as `performance.now()`. */
  readonly now: () => number
  /** Calls back after the I/O that is ready now, such as `setImmediate`. */
  readonly later: (run: () => void) => void
}

export interface MessageReader {
  /** Handles a message synchronously, or starts to. Must not throw. */
  readonly handle: (message: Buffer) => void
  /** Called when a message must wait: no further ones should be read until `resume`. */
  readonly pause: () => void
  /** Called when no message waits any more. */
  readonly resume: () => void
}

/** The messages of one socket. */
export interface SocketMessages {
  /** Handles the message now if there is time, else in a later tick, in the order of its socket. */
  receive(message: Buffer): void
  /** Further messages take the turns of this caller. Until then, they take those of the client's network. */
  setCaller(subject: string): void
  /** Whether messages wait, and the socket is paused. */
  isWaiting(): boolean
  /** Discards the messages that wait. No further ones may be received. */
  close(): void
}

export interface MessageQueue {
  /** @param network of the client's address; null if unknown */
  open(reader: MessageReader, network: string | null): SocketMessages
}

interface Socket {
  readonly reader: MessageReader
  readonly messages: Buffer[]
  /** Whose turns its messages take: the caller's or, until the caller is known, the network's. */
  key: string
}

/** No timer runs while there are no messages. */
export function createMessageQueue({ now, later }: MessageQueueOptions): MessageQueue {
  /** Sockets with messages that wait, by caller or network. */
  const queue = createFairQueue<Socket>()
  let isAwake = false
  /** Start of the first message handled in this tick; null if there is none. */
  let startedAt: number | null = null
  let handled = 0

  function hasTime(): boolean {
    return startedAt === null || (handled < MAX_PER_TICK && now() - startedAt < TICK_MS)
  }

  function handle({ reader }: Socket, message: Buffer): void {
    startedAt ??= now()
    handled += 1
    reader.handle(message)
  }

  function handleNext(): void {
    const socket = hasTime() ? queue.dequeue() : null
    const message = socket?.messages.shift()
    if (socket === null || message === undefined) return
    if (socket.messages.length > 0) queue.enqueue(socket.key, socket)
    else socket.reader.resume()
    handle(socket, message)
  }

  function endTick(): void {
    startedAt = null
    handled = 0
    isAwake = queue.length() > 0
    if (isAwake) startTick()
  }

  function startTick(): void {
    isAwake = true
    // One callback per message: microtasks of one message run before the next is handled.
    const count = queue.length() > 0 ? MAX_PER_TICK : 0
    for (let index = 0; index < count; index += 1) later(handleNext)
    later(endTick)
  }

  return {
    open(reader, network) {
      const messages: Buffer[] = []
      const socket: Socket = { reader, messages, key: `network ${network}` }
      return {
        receive(message) {
          if (!isAwake) startTick()
          if (queue.length() === 0 && hasTime()) {
            handle(socket, message)
            return
          }
          messages.push(message)
          if (messages.length > 1) return
          queue.enqueue(socket.key, socket)
          reader.pause()
        },
        setCaller(subject) {
          socket.key = `caller ${subject}`
        },
        isWaiting: () => messages.length > 0,
        close() {
          messages.length = 0
        },
      }
    },
  }
}
