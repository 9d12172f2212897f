/**
 * One WebSocket of the protocol `graphql-transport-ws`, server side, whatever host carries it.
 * https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 *
 * graphql-ws is used for its messages and close codes, not for its server: that keeps each message for
 * as long as its subscription, and takes an id for another's where it is used again at once.
 */
import type { ExecutionResult } from 'graphql'
import {
  CloseCode,
  GRAPHQL_TRANSPORT_WS_PROTOCOL,
  type Message,
  MessageType,
  type SubscribePayload,
  parseMessage,
} from 'graphql-ws'
import type { Parts } from '../../../uploads/dependencies.ts'
import type { Viewer } from '../../../uploads/viewer.ts'
import { askedIn } from '../fast-path/graphql-params.ts'
import { createSubscriber } from '../fast-path/subscriptions/subscriber.ts'
import type { Lane, LaneStream } from '../fast-path/fast-path.ts'
import { maskError } from '../plugins/error-masking.ts'
import {
  type BeginOperation,
  type Operation,
  refusalOf,
  release,
  stopWith,
} from './operation.ts'
import {
  type SocketSink,
  createSocketOutput,
  formatted,
  headOf,
  payloadOf,
} from './connection-output.ts'
import type { AuthenticatedConnection, Connect } from './connection-auth.ts'

/** Milliseconds in which a client must send `connection_init`. */
const CONNECT_WITHIN_MS = 10_000

export interface SocketConnection {
  /** Never throws and never rejects; resolves once a query or mutation that came with it is over. */
  receive(text: string): Promise<void>
  /** What was sent has been read so far that there is room again. */
  flushed(): void
  /** The host's socket is closed. */
  closed(code: number): void
  /** Resolves once no query and no mutation is running, and what was stopped has ended. */
  idle(): Promise<void>
}

export interface ConnectionOptions extends Pick<Parts, 'clock' | 'closing' | 'log'> {
  /** The fast path; null on hosts that have none. */
  readonly lane: Pick<Lane, 'watch' | 'learnWatched'> | null
  readonly begin: BeginOperation
  readonly connect: Connect
  /** Called once, with the code that it was closed with. */
  readonly onClosed: (code: number) => void
}

export function openConnection(options: ConnectionOptions, sink: SocketSink): SocketConnection {
  const { clock, closing, log, lane, begin } = options
  const operations = new Map<string, Operation>()
  const output = createSocketOutput(sink)
  const running = new Set<Promise<void>>()
  const over = new AbortController()
  let isInitialised = false
  let authenticated: AuthenticatedConnection | null = null

  function end(code: number): void {
    if (over.signal.aborted) return
    over.abort()
    for (const [id, operation] of operations) finish(id, operation)
    authenticated?.leave()
    options.onClosed(code)
  }

  function close(code: number, reason: string): void {
    if (over.signal.aborted) return
    end(code)
    sink.close(code, reason)
  }

  /** False where it is over already: then nothing more is sent for it. */
  function finish(id: string, operation: Operation): boolean {
    if (operation.isOver) return false
    operation.isOver = true
    // The id may be another operation's by now.
    if (operations.get(id) === operation) operations.delete(id)
    try {
      operation.stop?.()
    } catch (error) {
      log.error({ err: error }, 'unexpected error')
    }
    return true
  }

  function track(work: Promise<void>): Promise<void> {
    const tracked = work.catch(fail).finally(() => running.delete(tracked))
    running.add(tracked)
    return tracked
  }

  async function initialise(payload: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    if (isInitialised) {
      close(CloseCode.TooManyInitialisationRequests, 'Too many initialisation requests')
      return
    }
    isInitialised = true
    const authorization = payload?.['authorization']
    const given = typeof authorization === 'string' ? authorization : null
    const taken = await options.connect(given, close)
    if (over.signal.aborted) {
      taken?.leave()
    } else if (taken === null) {
      close(CloseCode.Forbidden, 'Forbidden')
    } else {
      authenticated = taken
      output.send({ type: MessageType.ConnectionAck })
    }
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
    const refusal = refusalOf(id, authenticated)
    if (refusal !== null) {
      output.send({ id, type: MessageType.Error, payload: formatted([refusal]) })
      return
    }
    const operation: Operation = { isOver: false, stop: null }
    operations.set(id, operation)
    const { viewer } = authenticated
    const asked = askedIn(payload)
    const join = asked === null ? null : (lane?.watch(viewer, asked) ?? null)
    if (join !== null && (await joined(id, operation, join))) return
    if (!operation.isOver) await run(id, operation, viewer, payload)
  }

  /** The fast path. False where the fallback is to run it. */
  async function joined(
    id: string,
    operation: Operation,
    join: LaneStream['join'],
  ): Promise<boolean> {
    const head = headOf(id)
    const subscriber = createSubscriber({
      hasRoom: () => output.hasRoom(),
      send: (event) => operation.isOver || output.sendSerialized(head, event.text),
      end(ending) {
        // A client that is told that it is complete does not come back after a restart.
        if (finish(id, operation) && ending === 'complete') {
          output.send({ id, type: MessageType.Complete })
        }
      },
    })
    const forget = output.onRoom(() => subscriber.goOn())
    operation.stop = forget
    // Why it cannot be joined, the fallback finds out again.
    const leave = await join(subscriber).catch(() => null)
    if (leave === null) {
      forget()
      operation.stop = null
      return false
    }
    stopWith(operation, () => {
      forget()
      leave()
    })
    return true
  }

  /** Resolves once its result is sent, or its events begin: `payload` is not kept for longer. */
  async function run(
    id: string,
    operation: Operation,
    viewer: Viewer,
    payload: SubscribePayload,
  ): Promise<void> {
    const begun = await begin(viewer, payload)
    if (begun.kind === 'events') {
      const asked = askedIn(payload)
      if (asked !== null) lane?.learnWatched(asked)
      relay(id, operation, begun.events).catch(fail)
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

  /** Sends each event once there is room; a slow reader is shown the newest by what produces them. */
  async function relay(
    id: string,
    operation: Operation,
    events: AsyncIterable<ExecutionResult>,
  ): Promise<void> {
    const iterator = events[Symbol.asyncIterator]()
    const sender = output.createSender(headOf(id))
    stopWith(operation, () => {
      sender.stop()
      void track(release(iterator))
    })
    try {
      for (;;) {
        const next = await iterator.next()
        if (operation.isOver) return
        if (next.done === true) break
        await sender.send(JSON.stringify(payloadOf(next.value)))
      }
      // As above: its client is to come back.
      if (closing.aborted || !finish(id, operation)) return
      output.send({ id, type: MessageType.Complete })
    } catch (error) {
      if (!finish(id, operation)) return
      const errors = [maskError(log, error, 'Unexpected error.')]
      output.send({ id, type: MessageType.Error, payload: formatted(errors) })
    }
  }

  async function handle(message: Message): Promise<void> {
    switch (message.type) {
      case MessageType.ConnectionInit:
        return initialise(message.payload)
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
    // Payloads can be deeper than the stack.
    if (error instanceof RangeError) {
      close(CloseCode.BadRequest, 'The message is nested too deep')
      return
    }
    log.error({ err: error }, 'unexpected error')
    close(CloseCode.InternalServerError, 'Internal server error')
  }

  /** And at once where the protocol is another one, but not before the host has the connection. */
  async function closeUnlessInitialised(): Promise<void> {
    await Promise.resolve()
    if (sink.protocol !== GRAPHQL_TRANSPORT_WS_PROTOCOL) {
      close(CloseCode.SubprotocolNotAcceptable, 'Subprotocol not acceptable')
      return
    }
    await clock.wait(CONNECT_WITHIN_MS, over.signal)
    if (isInitialised) return
    close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout')
  }

  closeUnlessInitialised().catch(fail)

  return {
    async receive(text) {
      if (over.signal.aborted) return
      let message: Message
      try {
        message = parseMessage(text)
      } catch {
        close(CloseCode.BadRequest, 'Invalid message received')
        return
      }
      await track(handle(message))
    },
    flushed: () => output.flushed(),
    closed: end,
    async idle() {
      await Promise.all(running)
    },
  }
}
