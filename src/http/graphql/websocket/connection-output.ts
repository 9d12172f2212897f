/** What one WebSocket is sent, and in which order its subscriptions send when there is room again. */
import type { ExecutionResult, GraphQLError } from 'graphql'

/** A WebSocket as its host carries it. None of these throws. */
export interface SocketSink {
  /** The subprotocol that was agreed on; empty for none. */
  readonly protocol: string
  /** False where so much is unread that events are to wait until the host calls `flushed`. */
  send(message: string): boolean
  close(code: number, reason: string): void
  /** Called once, when `connection_init` was accepted. */
  readonly onAccepted?: () => void
  /** The client replied to a ping, or claims to. */
  readonly onPong?: (payload: unknown) => void
}

export interface SocketOutput {
  /** Sends at once. What may wait asks `isWritable` first. */
  send(message: object): void
  /** Sends an event that is serialized already. @param head as `headOf` returns it */
  sendSerialized(head: string, payload: string): void
  isWritable(): boolean
  /** For one producer of events that waits for each to be sent. */
  createSender(head: string): EventSender
  /** Calls back whenever there is room, until what comes back is called. */
  onWritable(send: () => void): () => void
  /** There is room again. */
  flushed(): void
}

export interface EventSender {
  /** Sends it as soon as there is room. Resolves then, or once it is stopped. */
  send(payload: string): Promise<void>
  /** Drops what waits. */
  stop(): void
}

export function createSocketOutput(sink: Pick<SocketSink, 'send'>): SocketOutput {
  /** In the order in which they may send when there is room again. */
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
        // The next time it comes last, so that it does not have the socket for itself.
        if (senders.delete(send)) senders.add(send)
        return
      }
    },
  }
}

/** How every message of an operation begins. */
export function headOf(id: string): string {
  return `{"id":${JSON.stringify(id)},"type":`
}

/** As graphql-ws writes it: errors last, and only where there are any. */
export function payloadOf({ errors, ...rest }: ExecutionResult): object {
  return errors === undefined ? rest : { ...rest, errors: formatted(errors) }
}

export function formatted(errors: readonly GraphQLError[]): readonly object[] {
  return errors.map((error) => error.toJSON())
}
