/** Yoga plugin that adds BAD_USER_INPUT to request errors, such as invalid variables. */
import { type ExecutionResult, GraphQLError } from 'graphql'
import { mapExecutionResults, type GatewayPlugin } from './plugin.ts'

/** Adds the code to errors that have neither a code nor a path, in results without data. */
export const requestErrorCodesPlugin: GatewayPlugin = mapExecutionResults(addCodes)

function addCodes(result: ExecutionResult): ExecutionResult {
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
