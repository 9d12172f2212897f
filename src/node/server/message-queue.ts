/**
 * Handles the messages of all WebSockets: a few milliseconds per tick, one message of each caller in turn, and
 * of each socket of a caller in turn, so that a caller gains nothing by opening many sockets.
 */
import type { Scheduling } from './accept-priority.ts'
import { createTickQueue } from './tick-queue.ts'

export interface MessageReader {
  /** Handles a message synchronously, or starts to. Must not throw. */
  readonly handle: (message: Buffer) => void
  /** Called when a message must wait: no further ones should be read until `resume`. */
  readonly pause: () => void
  /** Called when no message waits any more, whether or not `pause` was called. */
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
  /** @param network of the client's address; null if unknown: these clients share their turns */
  open(reader: MessageReader, network: string | null): SocketMessages
}

interface Socket {
  readonly reader: MessageReader
  readonly messages: Buffer[]
  /** Whose turns its messages take: the caller's or, until the caller is known, the network's. */
  key: string
}

export function createMessageQueue(scheduling: Scheduling): MessageQueue {
  /** Sockets with messages that wait, by caller or network. */
  const queue = createTickQueue(scheduling, handleNext)

  function handleNext(socket: Socket): void {
    const { reader, messages, key } = socket
    const message = messages.shift()
    if (message === undefined) return
    if (messages.length > 0) queue.enqueue(key, socket)
    else reader.resume()
    reader.handle(message)
  }

  return {
    open(reader, network) {
      const messages: Buffer[] = []
      const socket: Socket = { reader, messages, key: `network ${network}` }
      return {
        receive(message) {
          messages.push(message)
          if (messages.length > 1 || queue.processNow(socket)) return
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
