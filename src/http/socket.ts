/**
 * GraphQL over WebSocket: the protocol `graphql-transport-ws`, with the token in
 * `connectionParams.authorization`. https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
import { type ExecutionArgs, GraphQLError } from 'graphql'
import type { ServerOptions } from 'graphql-ws'
import { isAsyncIterable } from 'graphql-yoga'
import { countOne } from '../uploads/count-one.ts'
import type { Parts } from '../uploads/parts.ts'
import type { Viewer } from '../uploads/viewer.ts'
import { type Authenticate, isViewer } from './authenticate.ts'
import type { Enveloped } from './enveloped.ts'
import { type Asked, askedIn } from './lane/asked.ts'
import type { Lane } from './lane/lane.ts'
import type { Seat } from './lane/socket-lane.ts'
import type { Yoga } from './yoga.ts'

/** What a client may send when it connects. */
type ConnectionParams = Record<string, unknown> | undefined

/** What is known of a socket besides its protocol. */
export interface SocketExtra {
  /** Closes it with a code of the WebSocket protocol or of graphql-transport-ws. */
  readonly close: (code: number, reason: string) => void
}

export type SocketOptions = ServerOptions<ConnectionParams, SocketExtra>

/** "Try again later", which clients do. https://www.iana.org/assignments/websocket */
const TRY_AGAIN_LATER = 1013
/** "Forbidden", which is how a token that is not valid is answered, and one that lapses. */
const FORBIDDEN = 4403

/** Milliseconds in which a client must say who it is. */
const CONNECT_WITHIN_MS = 10_000
/** Open sockets of one caller: each of its tabs has one. */
export const MOST_SOCKETS = 100

/** What a host that carries sockets needs. */
export interface SocketDoor {
  /** For graphql-ws: operations run as they do over HTTP, with the same limits and masks. */
  readonly options: SocketOptions
  /** Who sits at a socket; null until it has said who it is. */
  seatOf(extra: SocketExtra): Seat | null
  /** Resolves once no query and no mutation of this socket is under way. */
  quiet(extra: SocketExtra): Promise<void>
}

interface TakenSeat extends Seat {
  readonly leave: () => void
  /** Queries and mutations under way. */
  readonly errands: Set<Promise<unknown>>
}

/** An operation that is to run. */
interface Prepared {
  readonly enveloped: Enveloped
  readonly seat: TakenSeat
  readonly asked: Asked | null
}

/** A token that is not valid closes with 4403; a socket too many with 1013. */
export function createSocketDoor(
  { clock, closing }: Pick<Parts, 'clock' | 'closing'>,
  yoga: Yoga,
  authenticate: Authenticate,
  lane: Pick<Lane, 'learnWatched'>,
): SocketDoor {
  /** Who opened a connection, by what graphql-ws keeps for it. */
  const seats = new WeakMap<object, TakenSeat>()
  const open = new Map<string, number>()
  /** Sockets that went away, some of them while their token was being verified. */
  const closed = new WeakSet<object>()
  /** How each operation runs, and for whom, by the arguments that it was prepared with. */
  const prepared = new WeakMap<ExecutionArgs, Prepared>()

  function preparedFor(args: ExecutionArgs): Prepared {
    const found = prepared.get(args)
    if (found === undefined) throw new Error('An operation runs that nobody has prepared.')
    return found
  }

  /** Its client may come back with a new token; until then it would hold a place for nothing. */
  async function closeWhenLapsed(
    { expiresAt }: Viewer,
    { close }: SocketExtra,
    over: AbortSignal,
  ): Promise<void> {
    if (expiresAt === null) return
    for (;;) {
      if (over.aborted) return
      const left = expiresAt.getTime() - clock.now().getTime()
      if (left <= 0) {
        close(FORBIDDEN, 'The token has lapsed.')
        return
      }
      await clock.wait(left, over)
    }
  }

  const options: SocketOptions = {
    connectionInitWaitTimeout: CONNECT_WITHIN_MS,
    async onConnect({ connectionParams, extra, subscriptions }) {
      const authorization = connectionParams?.['authorization']
      const caller = await authenticate(typeof authorization === 'string' ? authorization : null)
      if (closed.has(extra)) return false
      if (!isViewer(caller)) {
        if (caller.kind === 'unavailable') extra.close(TRY_AGAIN_LATER, caller.message)
        return false
      }
      if ((open.get(caller.subject) ?? 0) >= MOST_SOCKETS) {
        extra.close(TRY_AGAIN_LATER, `One caller may have ${MOST_SOCKETS} sockets open.`)
        return false
      }
      const over = new AbortController()
      const leave = countOne(open, caller.subject)
      seats.set(extra, {
        viewer: caller,
        has: (id) => id in subscriptions,
        errands: new Set(),
        leave() {
          over.abort()
          leave()
        },
      })
      void closeWhenLapsed(caller, extra, over.signal)
      return true
    },
    onClose({ extra }) {
      closed.add(extra)
      seats.get(extra)?.leave()
      seats.delete(extra)
    },
    async onSubscribe({ extra }, _id, params) {
      const seat = seats.get(extra)
      if (seat === undefined) return [lapsed()]
      const { viewer } = seat
      if (viewer.expiresAt !== null && viewer.expiresAt <= clock.now()) return [lapsed()]
      const enveloped: Enveloped = yoga.getEnveloped({ viewer, params })
      const { schema } = enveloped
      try {
        const document = enveloped.parse(params.query)
        const errors = enveloped.validate(schema, document)
        if (errors.length > 0) return errors
        const args: ExecutionArgs = {
          schema,
          document,
          operationName: params.operationName,
          variableValues: params.variables,
          contextValue: await enveloped.contextFactory(),
        }
        prepared.set(args, { enveloped, seat, asked: askedIn(params) })
        return args
      } catch (error) {
        if (error instanceof GraphQLError) return [error]
        throw error
      }
    },
    async execute(args) {
      const { enveloped, seat } = preparedFor(args)
      const errand = Promise.resolve(enveloped.execute(args))
      seat.errands.add(errand)
      try {
        return await errand
      } finally {
        seat.errands.delete(errand)
      }
    },
    async subscribe(args) {
      const { enveloped, asked } = preparedFor(args)
      const result = await enveloped.subscribe(args)
      if (asked !== null) lane.learnWatched(asked)
      return isAsyncIterable(result) ? withoutEndAt(closing, result) : result
    },
  }

  return {
    options,
    seatOf: (extra) => seats.get(extra) ?? null,
    async quiet(extra) {
      const seat = seats.get(extra)
      if (seat !== undefined) await Promise.allSettled(seat.errands)
    },
  }
}

/**
 * When the gateway stops, a subscription is not over: its client is to come back and watch on, and
 * would not if it were told that it is complete. Closing the socket is what tells it.
 */
function withoutEndAt<T>(closing: AbortSignal, events: AsyncIterable<T>): AsyncIterableIterator<T> {
  const iterator = events[Symbol.asyncIterator]()
  return {
    async next() {
      const result = await iterator.next()
      if (result.done === true && closing.aborted) await new Promise(() => undefined)
      return result
    },
    async return() {
      await iterator.return?.()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

function lapsed(): GraphQLError {
  return new GraphQLError('The token has lapsed: connect again with a new one.', {
    extensions: { code: 'UNAUTHENTICATED' },
  })
}
