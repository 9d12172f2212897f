/** Output of one WebSocket. After backpressure ends, its subscriptions send in round-robin order. */
import type { ExecutionResult, GraphQLError } from 'graphql'

/** The WebSocket of a host. No function throws. */
export interface SocketSink {
  /** The negotiated subprotocol; empty if there is none. */
  readonly protocol: string
  /** Returns false if too much is unread: events then wait until the host calls `flushed`. */
  send(message: string): boolean
  close(code: number, reason: string): void
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
  /** Sends immediately. Before an event, check `isWritable`. */
  send(message: object): void
  /** Sends a serialized event immediately. @param prefix from `messagePrefix` */
  sendSerialized(prefix: string, payload: string): void
  isWritable(): boolean
  /** For a producer of events that waits until each event is sent. */
  createSender(prefix: string): EventSender
  /** Calls `send` whenever the output becomes writable. Returns a function that unregisters it. */
  onWritable(send: () => void): () => void
  /** The host has sent its buffer: the output is writable again. */
  flushed(): void
}

/** Sends the events of one producer, one at a time. */
export interface EventSender {
  /** Sends the event once the output is writable. Resolves then, or on `stop`. */
  send(payload: string): Promise<void>
  /** Discards a waiting event. */
  stop(): void
}

export function createSocketOutput(sink: Pick<SocketSink, 'send'>): SocketOutput {
  /** In the order in which they send when the output is writable again. */
  const senders = new Set<() => void>()
  let isFull = false

  function sendSerialized(prefix: string, payload: string): void {
    isFull = !sink.send(`${prefix}"next","payload":${payload}}`)
  }

  return {
    send(message) {
      isFull = !sink.send(JSON.stringify(message))
    },
    sendSerialized,
    createSender(prefix) {
      let waiting: { readonly payload: string; readonly resolve: () => void } | null = null
      function sendWaiting(): void {
        if (waiting === null) return
        const { payload, resolve } = waiting
        waiting = null
        sendSerialized(prefix, payload)
        resolve()
      }
      senders.add(sendWaiting)
      return {
        async send(payload) {
          if (!isFull) {
            sendSerialized(prefix, payload)
            return
          }
          await new Promise<void>((resolve) => {
            waiting = { payload, resolve }
          })
        },
        stop() {
          senders.delete(sendWaiting)
          waiting?.resolve()
          waiting = null
        },
      }
    },
    isWritable: () => !isFull,
    onWritable(send) {
      senders.add(send)
      return () => void senders.delete(send)
    },
    flushed() {
      isFull = false
      for (const send of senders) {
        send()
        if (!isFull) continue
        // It filled the buffer, so it sends last the next time; the others must not starve.
        if (senders.delete(send)) senders.add(send)
        return
      }
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
