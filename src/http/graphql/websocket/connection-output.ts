/** Sends the messages of one WebSocket, and resumes its subscriptions round-robin after back-pressure. */
import type { ExecutionResult, GraphQLError } from 'graphql'

/** A WebSocket, implemented by the host. No method throws. */
export interface SocketSink {
  /** The negotiated subprotocol; empty if there is none. */
  readonly protocol: string
  /** Sends a message. Returns false if events must wait until the host calls `flushed`. */
  send(message: string): boolean
  close(code: number, reason: string): void
  /** Called once, when `connection_init` was accepted. */
  readonly onAccepted?: () => void
  /** Called for each pong. The client may send a pong without having received a ping. */
  readonly onPong?: (payload: unknown) => void
}

/** Output of one WebSocket, shared by its operations. */
export interface SocketOutput {
  /** Sends a message immediately, even if the output is not writable. */
  send(message: object): void
  /** Sends a serialized event immediately. @param head result of `headOf` */
  sendSerialized(head: string, payload: string): void
  /** Whether events may be sent; false under back-pressure. */
  isWritable(): boolean
  /** Creates the sender of one event producer. */
  createSender(head: string): EventSender
  /** Calls `send` each time the output becomes writable. Returns a function that ends the calls. */
  onWritable(send: () => void): () => void
  /** Called when the host's buffer has room again. Resumes the senders until the output is full. */
  flushed(): void
}

/** Sends the events of one producer, one at a time. */
export interface EventSender {
  /** Sends the event when the output is writable. Resolves when the event is sent or discarded by `stop`. */
  send(payload: string): Promise<void>
  /** Discards the pending event, and resolves its `send`. */
  stop(): void
}

export function createSocketOutput(sink: Pick<SocketSink, 'send'>): SocketOutput {
  /** Send functions in the order in which `flushed` calls them. */
  const senders = new Set<() => void>()
  let isFull = false

  function sendSerialized(head: string, payload: string): void {
    isFull = !sink.send(`${head}"next","payload":${payload}}`)
  }

  return {
    send(message) {
      isFull = !sink.send(JSON.stringify(message))
    },
    sendSerialized,
    createSender(head) {
      let waiting: { readonly payload: string; readonly resolve: () => void } | null = null
      function sendWaiting(): void {
        if (waiting === null) return
        const { payload, resolve } = waiting
        waiting = null
        sendSerialized(head, payload)
        resolve()
      }
      senders.add(sendWaiting)
      return {
        async send(payload) {
          if (!isFull) {
            sendSerialized(head, payload)
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
        // Moves the sender that filled the output to the end, so that the others send before it next time.
        if (senders.delete(send)) senders.add(send)
        return
      }
    },
  }
}

/** Returns the JSON that every message of an operation starts with, up to the value of `type`. */
export function headOf(id: string): string {
  return `{"id":${JSON.stringify(id)},"type":`
}

/** Returns the payload of a `next` message. As in graphql-ws, `errors` is last, and absent without errors. */
export function payloadOf({ errors, ...rest }: ExecutionResult): object {
  return errors === undefined ? rest : { ...rest, errors: formatted(errors) }
}

/** Returns the errors in the form that the protocol sends. */
export function formatted(errors: readonly GraphQLError[]): readonly object[] {
  return errors.map((error) => error.toJSON())
}
