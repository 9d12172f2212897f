/** Gives a code to what a client got wrong before anything was executed, such as its variables. */
import { type ExecutionResult, GraphQLError } from 'graphql'
import { changeResults } from '../../change-results.ts'
import type { GatewayPlugin } from './plugin.ts'

/** Errors that belong to no field, and have no code of their own, are about the request. */
export const useNamedMistakes: GatewayPlugin = changeResults(named)

function named(result: ExecutionResult): ExecutionResult {
  if (result.errors === undefined || result.data !== undefined) return result
  return { ...result, errors: result.errors.map(withCode) }
}

function withCode(error: GraphQLError): GraphQLError {
  if (error.extensions['code'] !== undefined || error.path !== undefined) return error
  const { message, nodes = null, source, positions, extensions } = error
  return new GraphQLError(message, {
    nodes,
    source,
    positions,
    extensions: { ...extensions, code: 'BAD_USER_INPUT' },
  })
}
