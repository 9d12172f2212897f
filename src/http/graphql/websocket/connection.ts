/**
 * Server side of one WebSocket with the protocol `graphql-transport-ws`, for Node and Workers.
 * https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 *
 * Uses only the messages and close codes of graphql-ws: its server keeps each `subscribe` message until the
 * subscription ends, and confuses operations if a client reuses an id immediately.
 */
import {
  CloseCode,
  GRAPHQL_TRANSPORT_WS_PROTOCOL,
  type Message,
  MessageType,
  type SubscribePayload,
} from 'graphql-ws'
import type { Dependencies } from '../../../uploads/dependencies.ts'
import type { Viewer } from '../../../uploads/viewer.ts'
import { createSubscriber } from '../fast-path/subscriptions/subscriber.ts'
import type { FastPath, EventStreamResponse } from '../fast-path/fast-path.ts'
import { maskError } from '../plugins/error-masking.ts'
import {
  type BeginOperation,
  type BegunOperation,
  type Operation,
  rejectionFor,
  release,
  stopWith,
} from './operation.ts'
import {
  type SocketConnection,
  type SocketSink,
  createSocketOutput,
  formatted,
  messagePrefix,
  payloadOf,
} from './connection-output.ts'
import { parseClientMessage } from './parse-message.ts'
import { type AuthenticatedConnection, type Connect, TRY_AGAIN_LATER } from './connection-auth.ts'

/** Milliseconds within which the client must send `connection_init`. */
const CONNECT_WITHIN_MS = 10_000

/** Shared by all connections. */
export interface ConnectionOptions extends Pick<Dependencies, 'clock' | 'closing' | 'log'> {
  readonly beginOperation: BeginOperation
  readonly connect: Connect
  /** Called with the close code of a socket whose `connection_init` was not accepted. */
  readonly onRejected: (code: number) => void
}

/** Serves a WebSocket that the host has accepted. Closes it if no `connection_init` arrives in time. */
export function openConnection(
  { clock, closing, log, beginOperation, connect, onRejected }: ConnectionOptions,
  fastPath: Pick<FastPath, 'subscribe' | 'recordSubscription'> | null,
  sink: SocketSink,
): SocketConnection {
  const operations = new Map<string, Operation>()
  const output = createSocketOutput(sink)
  const running = new Set<Promise<void>>()
  /** Ends the wait for `connection_init`; null once that has arrived. */
  let initWait: AbortController | null = new AbortController()
  let isClosed = false
  let authenticated: AuthenticatedConnection | null = null

  function end(code: number): void {
    if (isClosed) return
    isClosed = true
    initWait?.abort()
    for (const [id, operation] of operations) finish(id, operation)
    if (authenticated === null) onRejected(code)
    else authenticated.leave()
  }

  function close(code: number, reason: string): void {
    if (isClosed) return
    end(code)
    sink.close(code, reason)
  }

  /** Ends an operation. Returns false if it had ended before; the caller must then send nothing for it. */
  function finish(id: string, operation: Operation): boolean {
    if (operation.isOver) return false
    operation.isOver = true
    if (operations.get(id) === operation) operations.delete(id)
    output.dequeue(operation)
    try {
      operation.stop?.()
    } catch (error) {
      log.error({ err: error }, 'unexpected error')
    }
    return true
  }

  /** Ends an operation that is over with `complete`. */
  function complete(id: string, operation: Operation): void {
    if (finish(id, operation)) output.send({ id, type: MessageType.Complete })
  }

  /**
   * Ends a subscription whose client must subscribe again, which it would not do after `complete`. Closes the
   * socket instead, after its running mutations, as the client would repeat those without a result.
   */
  function interrupt(id: string, operation: Operation): void {
    // A shutdown or the token's expiry closes the socket with another code.
    if (!finish(id, operation) || closing.aborted || authenticated?.isExpired() === true) return
    void idle().then(() => close(TRY_AGAIN_LATER, 'A subscription was interrupted. Reconnect.'))
  }

  const idle = async (): Promise<void> => void (await Promise.all(running))

  /** Makes `idle` wait for this work. */
  function track(work: Promise<void>): Promise<void> {
    const tracked = work.catch(fail).finally(() => running.delete(tracked))
    running.add(tracked)
    return tracked
  }

  async function initialize(payload: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    if (initWait === null) {
      close(CloseCode.TooManyInitialisationRequests, 'Too many initialisation requests')
      return
    }
    initWait.abort()
    initWait = null
    const connection = await connect(payload, close)
    if (isClosed) connection?.leave()
    if (connection === null || isClosed) return
    authenticated = connection
    sink.onAccepted?.(connection.viewer.subject)
    output.send({ type: MessageType.ConnectionAck })
  }

  async function subscribe(id: string, payload: SubscribePayload): Promise<void> {
    if (authenticated === null) {
      close(CloseCode.Unauthorized, 'Unauthorized')
      return
    }
    if (operations.has(id)) {
      close(CloseCode.SubscriberAlreadyExists, `Subscriber for ${id} already exists`)
      return
    }
    const rejection = rejectionFor(id, authenticated)
    if (rejection !== null) {
      output.send({ id, type: MessageType.Error, payload: formatted([rejection]) })
      return
    }
    const operation: Operation = { isOver: false, stop: null }
    operations.set(id, operation)
    const { viewer } = authenticated
    const join = fastPath?.subscribe(viewer, payload) ?? null
    if (join !== null && (await joinShared(id, operation, join))) return
    if (!operation.isOver) await run(id, operation, viewer, payload)
  }

  /** Joins a shared subscription. Returns false if the fallback must execute the operation. */
  async function joinShared(
    id: string,
    operation: Operation,
    join: EventStreamResponse['join'],
  ): Promise<boolean> {
    const prefix = messagePrefix(id)
    const subscriber = createSubscriber(log, {
      isWritable: () => output.isWritable(),
      send: (event) => operation.isOver || output.sendSerialized(prefix, event.text),
      wait: (resume) => operation.isOver || output.enqueue(operation, resume),
      end(ending) {
        if (ending === 'complete') complete(id, operation)
        else interrupt(id, operation)
      },
    })
    // If joining fails, the fallback executes the operation and reports the error.
    const leave = await join(subscriber).catch(() => null)
    if (leave === null) return false
    stopWith(operation, leave)
    return true
  }

  /** Executes an operation. Resolves when the result is sent or the events start, to release `payload` early. */
  async function run(
    id: string,
    operation: Operation,
    viewer: Viewer,
    payload: SubscribePayload,
  ): Promise<void> {
    const begun = await beginOperation(viewer, payload)
    if (begun.kind === 'events') {
      fastPath?.recordSubscription(payload)
      sendEvents(id, operation, begun)
      return
    }
    if (!finish(id, operation)) return
    if (begun.kind === 'errors') {
      output.send({ id, type: MessageType.Error, payload: formatted(begun.errors) })
      return
    }
    output.send({ id, type: MessageType.Next, payload: payloadOf(begun.result) })
    output.send({ id, type: MessageType.Complete })
  }

  /** Executes and sends each event once the output is writable; the producer coalesces changes until then. */
  function sendEvents(
    id: string,
    operation: Operation,
    { events, nextChange, isInterrupted }: Extract<BegunOperation, { kind: 'events' }>,
  ): void {
    const iterator = events[Symbol.asyncIterator]()
    const prefix = messagePrefix(id)

    async function waitForChange(): Promise<void> {
      await nextChange()
      if (!operation.isOver) output.enqueue(operation, () => sendNext().catch(failed))
    }

    async function sendNext(): Promise<void> {
      const next = await iterator.next()
      if (operation.isOver) return
      if (next.done !== true) {
        output.sendSerialized(prefix, JSON.stringify(payloadOf(next.value)))
        waitForChange().catch(failed)
      } else if (isInterrupted()) interrupt(id, operation)
      else complete(id, operation)
    }

    function failed(error: unknown): void {
      if (!finish(id, operation)) return
      const errors = [maskError(log, error, 'Unexpected error.')]
      output.send({ id, type: MessageType.Error, payload: formatted(errors) })
    }

    stopWith(operation, () => void track(release(iterator)))
    waitForChange().catch(failed)
  }

  async function handle(message: Message): Promise<void> {
    switch (message.type) {
      case MessageType.ConnectionInit:
        return initialize(message.payload)
      case MessageType.Ping: {
        const { payload } = message
        output.send(payload ? { type: MessageType.Pong, payload } : { type: MessageType.Pong })
        return
      }
      case MessageType.Pong:
        sink.onPong?.(message.payload)
        return
      case MessageType.Subscribe:
        return subscribe(message.id, message.payload)
      case MessageType.Complete: {
        const operation = operations.get(message.id)
        if (operation !== undefined) finish(message.id, operation)
        return
      }
      case MessageType.ConnectionAck:
      case MessageType.Next:
      case MessageType.Error:
        close(CloseCode.BadRequest, 'Only a server sends such messages')
    }
  }

  function fail(error: unknown): void {
    // A deeply nested payload overflows the stack.
    if (error instanceof RangeError) {
      close(CloseCode.BadRequest, 'The message is nested too deep')
      return
    }
    log.error({ err: error }, 'unexpected error')
    close(CloseCode.InternalServerError, 'Internal server error')
  }

  /** Closes after a wrong subprotocol or a late `connection_init`, but not before the host has the connection. */
  async function closeUnlessInitialized(): Promise<void> {
    await Promise.resolve()
    if (sink.protocol !== GRAPHQL_TRANSPORT_WS_PROTOCOL) {
      close(CloseCode.SubprotocolNotAcceptable, 'Subprotocol not acceptable')
      return
    }
    await clock.wait(CONNECT_WITHIN_MS, initWait?.signal)
    if (initWait === null) return
    close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout')
  }

  closeUnlessInitialized().catch(fail)

  return {
    async receive(text) {
      if (isClosed) return
      let message: Message
      try {
        message = parseClientMessage(text)
      } catch {
        close(CloseCode.BadRequest, 'Invalid message received')
        return
      }
      await track(handle(message))
    },
    flushed: () => output.flushed(),
    closed: end,
    idle,
  }
}
