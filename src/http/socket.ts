/**
 * GraphQL over WebSocket: the protocol `graphql-transport-ws`, with the token in
 * `connectionParams.authorization`. https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
import { type ExecutionArgs, GraphQLError } from 'graphql'
import type { ServerOptions } from 'graphql-ws'
import type { Parts } from '../uploads/parts.ts'
import type { Viewer } from '../uploads/viewer.ts'
import { type Authenticate, isViewer } from './authenticate.ts'
import type { Yoga } from './yoga.ts'

/** What a client may send when it connects. */
type ConnectionParams = Record<string, unknown> | undefined

export type SocketOptions = ServerOptions<ConnectionParams, object>

/** Milliseconds in which a client must say who it is. */
const CONNECT_WITHIN_MS = 10_000
/** Open sockets of one caller: each of its tabs has one. */
export const MOST_SOCKETS = 100

/** How an operation runs once Yoga's plugins are around it, by the operation's own arguments. */
type Runners = Pick<ReturnType<Yoga['getEnveloped']>, 'execute' | 'subscribe'>

/**
 * Options for graphql-ws, whatever carries the sockets. Operations run as they do over HTTP, with the
 * same limits and masks. A token that is not valid closes with 4403, and so does a socket too many.
 */
export function createSocketOptions(
  { clock }: Pick<Parts, 'clock'>,
  yoga: Yoga,
  authenticate: Authenticate,
): SocketOptions {
  /** Who opened a connection, by what graphql-ws keeps for it. */
  const viewers = new WeakMap<object, Viewer>()
  const open = new Map<string, number>()
  /** Sockets that went away, some of them while their token was being verified. */
  const closed = new WeakSet<object>()
  const runners = new WeakMap<ExecutionArgs, Runners>()

  function runnersOf(args: ExecutionArgs): Runners {
    const found = runners.get(args)
    if (found === undefined) throw new Error('An operation runs that nobody has prepared.')
    return found
  }

  function count({ subject }: Viewer, by: 1 | -1): void {
    const left = (open.get(subject) ?? 0) + by
    if (left === 0) open.delete(subject)
    else open.set(subject, left)
  }

  return {
    connectionInitWaitTimeout: CONNECT_WITHIN_MS,
    async onConnect({ connectionParams, extra }) {
      const authorization = connectionParams?.['authorization']
      const caller = await authenticate(typeof authorization === 'string' ? authorization : null)
      if (!isViewer(caller) || closed.has(extra)) return false
      if ((open.get(caller.subject) ?? 0) >= MOST_SOCKETS) return false
      viewers.set(extra, caller)
      count(caller, 1)
      return true
    },
    onClose({ extra }) {
      closed.add(extra)
      const viewer = viewers.get(extra)
      if (viewer !== undefined) count(viewer, -1)
      viewers.delete(extra)
    },
    async onSubscribe({ extra }, _id, params) {
      const viewer = viewers.get(extra)
      if (viewer === undefined) return [lapsed()]
      if (viewer.expiresAt !== null && viewer.expiresAt <= clock.now()) return [lapsed()]
      const { schema, parse, validate, contextFactory, ...enveloped } = yoga.getEnveloped({
        viewer,
        params,
      })
      try {
        const document = parse(params.query)
        const errors = validate(schema, document)
        if (errors.length > 0) return errors
        const args: ExecutionArgs = {
          schema,
          document,
          operationName: params.operationName,
          variableValues: params.variables,
          contextValue: await contextFactory(),
        }
        runners.set(args, enveloped)
        return args
      } catch (error) {
        if (error instanceof GraphQLError) return [error]
        throw error
      }
    },
    execute: (args) => runnersOf(args).execute(args),
    subscribe: (args) => runnersOf(args).subscribe(args),
  }
}

function lapsed(): GraphQLError {
  return new GraphQLError('The token has lapsed: connect again with a new one.', {
    extensions: { code: 'UNAUTHENTICATED' },
  })
}
