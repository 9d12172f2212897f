/**
 * GraphQL over WebSocket: the protocol `graphql-transport-ws`, with the token in
 * `connectionParams.authorization`. https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
import { GraphQLError, NoSchemaIntrospectionCustomRule, specifiedRules, validate } from 'graphql'
import type { ServerOptions } from 'graphql-ws'
import { createHistoryReader } from '../graphql/context.ts'
import { schema } from '../graphql/schema.ts'
import type { Parts } from '../uploads/parts.ts'
import type { Viewer } from '../uploads/viewer.ts'
import { type Authenticate, isViewer } from './authenticate.ts'
import { maskError } from './mask-error.ts'
import { parseDocument } from './parse-document.ts'

/** What a client may send when it connects. */
type ConnectionParams = Record<string, unknown> | undefined

export type SocketOptions = ServerOptions<ConnectionParams, object>

/** Milliseconds in which a client must say who it is. */
const CONNECT_WITHIN_MS = 10_000

/** Options for graphql-ws, whatever carries the sockets. A token that is not valid closes with 4403. */
export function createSocketOptions(
  parts: Parts,
  authenticate: Authenticate,
  options: { readonly introspection: boolean },
): SocketOptions {
  const rules = options.introspection
    ? specifiedRules
    : [...specifiedRules, NoSchemaIntrospectionCustomRule]

  /** Who opened a connection, by what graphql-ws keeps for it. */
  const viewers = new WeakMap<object, Viewer>()

  const mask = (errors: readonly GraphQLError[]) =>
    errors.map((error) => {
      const masked = maskError(parts.log, error, 'Unexpected error.')
      return masked instanceof GraphQLError ? masked.toJSON() : { message: masked.message }
    })

  return {
    connectionInitWaitTimeout: CONNECT_WITHIN_MS,
    async onConnect({ connectionParams, extra }) {
      const authorization = connectionParams?.['authorization']
      const caller = await authenticate(typeof authorization === 'string' ? authorization : null)
      if (!isViewer(caller)) return false
      viewers.set(extra, caller)
      return true
    },
    onSubscribe({ extra }, _id, { query, operationName, variables }) {
      const viewer = viewers.get(extra)
      if (viewer === undefined) return [lapsed()]
      if (viewer.expiresAt !== null && viewer.expiresAt <= parts.clock.now()) return [lapsed()]
      try {
        const document = parseDocument(query)
        const errors = validate(schema, document, rules)
        if (errors.length > 0) return errors
        return {
          schema,
          document,
          operationName,
          variableValues: variables,
          contextValue: { parts, viewer, history: createHistoryReader(parts) },
        }
      } catch (error) {
        if (error instanceof GraphQLError) return [error]
        throw error
      }
    },
    onError: (_context, _id, _payload, errors) => mask(errors),
    onNext(_context, _id, _payload, _args, { errors, data }) {
      return errors === undefined ? undefined : { data: data ?? null, errors: mask(errors) }
    },
  }
}

function lapsed(): GraphQLError {
  return new GraphQLError('The token has lapsed: connect again with a new one.', {
    extensions: { code: 'UNAUTHENTICATED' },
  })
}
