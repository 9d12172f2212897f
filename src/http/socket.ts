/**
 * GraphQL over WebSocket: the protocol `graphql-transport-ws`, with the token in
 * `connectionParams.authorization`. https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
import { type DocumentNode, type ExecutionArgs, GraphQLError, type GraphQLSchema } from 'graphql'
import type { OperationResult, ServerOptions } from 'graphql-ws'
import { countOne } from '../uploads/count-one.ts'
import type { Parts } from '../uploads/parts.ts'
import type { Viewer } from '../uploads/viewer.ts'
import { type Authenticate, isViewer } from './authenticate.ts'
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

/** GraphQL's own functions with Yoga's plugins around them. */
interface Enveloped {
  readonly schema: GraphQLSchema
  readonly parse: (source: string) => DocumentNode
  readonly validate: (schema: GraphQLSchema, document: DocumentNode) => readonly GraphQLError[]
  readonly contextFactory: () => unknown
  readonly execute: (args: ExecutionArgs) => OperationResult
  readonly subscribe: (args: ExecutionArgs) => OperationResult
}

/**
 * Options for graphql-ws, whatever carries the sockets. Operations run as they do over HTTP, with the
 * same limits and masks. A token that is not valid closes with 4403; a socket too many with 1013.
 */
export function createSocketOptions(
  { clock }: Pick<Parts, 'clock'>,
  yoga: Yoga,
  authenticate: Authenticate,
): SocketOptions {
  /** Who opened a connection, by what graphql-ws keeps for it. */
  const seats = new WeakMap<object, { readonly viewer: Viewer; readonly leave: () => void }>()
  const open = new Map<string, number>()
  /** Sockets that went away, some of them while their token was being verified. */
  const closed = new WeakSet<object>()
  /** How each operation runs, by the arguments that it was prepared with. */
  const prepared = new WeakMap<ExecutionArgs, Enveloped>()

  function envelopedOf(args: ExecutionArgs): Enveloped {
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

  return {
    connectionInitWaitTimeout: CONNECT_WITHIN_MS,
    async onConnect({ connectionParams, extra }) {
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
      const viewer = seats.get(extra)?.viewer
      if (viewer === undefined) return [lapsed()]
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
        prepared.set(args, enveloped)
        return args
      } catch (error) {
        if (error instanceof GraphQLError) return [error]
        throw error
      }
    },
    execute: (args) => envelopedOf(args).execute(args),
    subscribe: (args) => envelopedOf(args).subscribe(args),
  }
}

function lapsed(): GraphQLError {
  return new GraphQLError('The token has lapsed: connect again with a new one.', {
    extensions: { code: 'UNAUTHENTICATED' },
  })
}
