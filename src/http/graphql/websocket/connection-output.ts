/** Output of one WebSocket. Its subscriptions execute and send their events in turn, while it is writable. */
import type { ExecutionResult, GraphQLError } from 'graphql'

/** The WebSocket of a host. No function throws. */
export interface SocketSink {
  /** The negotiated subprotocol; empty if there is none. */
  readonly protocol: string
  /** Returns false if too much is unread, or the socket is closed: events then wait until the host calls `flushed`. */
  send(message: string): boolean
  close(code: number, reason: string): void
  /**
   * Resolves when the next event that has waited for the client may be executed. Provided by hosts that serve many
   * sockets in one process; else events follow each other.
   */
  readonly nextTurn?: () => Promise<void>
  /** Called once with the caller's subject, when `connection_init` was accepted. */
  readonly onAccepted?: (subject: string) => void
  /** Called for each pong. The client may send a pong without having received a ping. */
  readonly onPong?: (payload: unknown) => void
}

/** The gateway's side of a WebSocket, which the host calls. */
export interface SocketConnection {
  /** Processes a message. Resolves when its operation has ended or its subscription started. Never rejects. */
  receive(text: string): Promise<void>
  /** Called by the host when the socket is writable again. */
  flushed(): void
  /** Called by the host when its socket is closed. */
  closed(code: number): void
  /** Resolves when no message is being processed and no subscription is being released. */
  idle(): Promise<void>
}

/** Output of one WebSocket, shared by its operations. */
export interface SocketOutput {
  /** Sends immediately. Before an event, check `isWritable`, or use `enqueue`. */
  send(message: object): void
  /** Sends a serialized event immediately. @param prefix from `messagePrefix` */
  sendSerialized(prefix: string, payload: string): void
  isWritable(): boolean
  /**
   * Calls `sendNext` once the output is writable, in the order of these calls, and one at a time: the next
   * call follows when its promise is settled. An operation has at most one call that waits.
   * @param sendNext executes and sends an event; must not reject
   */
  enqueue(operation: object, sendNext: () => Promise<void>): void
  /** Discards the operation's call that waits, if any. */
  dequeue(operation: object): void
  /** The host has sent its buffer: the output is writable again. */
  flushed(): void
}

export function createSocketOutput(sink: Pick<SocketSink, 'send' | 'nextTurn'>): SocketOutput {
  /** By operation, in the order in which they are called. */
  const waiting = new Map<object, () => Promise<void>>()
  let isFull = false
  /** Whether events wait that could not be sent when they were due. */
  let hasBacklog = false
  let isSending = false

  function canSend(): boolean {
    return waiting.size > 0 && !isFull
  }

  /** Only one event exists before it is sent: the host counts and limits only what was sent. */
  async function sendWaiting(): Promise<void> {
    if (isSending) return
    isSending = true
    while (canSend()) {
      if (hasBacklog && sink.nextTurn !== undefined) await sink.nextTurn()
      const [next] = waiting
      // Meanwhile messages may have filled the output, and operations may have been removed.
      if (!canSend() || next === undefined) continue
      const [operation, sendNext] = next
      waiting.delete(operation)
      await sendNext()
    }
    hasBacklog = false
    isSending = false
  }

  return {
    send(message) {
      isFull = !sink.send(JSON.stringify(message))
    },
    sendSerialized(prefix, payload) {
      isFull = !sink.send(`${prefix}"next","payload":${payload}}`)
    },
    isWritable: () => !isFull,
    enqueue(operation, sendNext) {
      waiting.set(operation, sendNext)
      void sendWaiting()
    },
    dequeue: (operation) => void waiting.delete(operation),
    flushed() {
      isFull = false
      hasBacklog = waiting.size > 0
      void sendWaiting()
    },
  }
}

/** Returns the first characters of every message of the operation. */
export function messagePrefix(id: string): string {
  return `{"id":${JSON.stringify(id)},"type":`
}

/** Returns the payload in the field order of graphql-ws: errors last, and only if there are any. */
export function payloadOf({ errors, ...rest }: ExecutionResult): object {
  return errors === undefined ? rest : { ...rest, errors: formatted(errors) }
}

/** Returns the errors in the form that the protocol sends. */
export function formatted(errors: readonly GraphQLError[]): readonly object[] {
  return errors.map((error) => error.toJSON())
}
