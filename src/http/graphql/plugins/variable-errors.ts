/** Yoga plugin that limits the errors of invalid variables. */
import { type ExecutionArgs, GraphQLError, getOperationAST, getVariableValues } from 'graphql'
import type { GatewayPlugin } from './plugin.ts'

/**
 * Maximum errors of one request, besides the one that names the limit. Each repeats the whole value of its variable:
 * Yoga's fifty would make a response of 3 MB, for a quarter of a second.
 */
export const MAX_VARIABLE_ERRORS = 5

type Variables = Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>

/** Returns the errors of the variables; null if there are none, or no operation: the executor reports that. */
function errorsOf(args: Variables): readonly GraphQLError[] | null {
  const { schema, document, operationName, variableValues } = args
  const { variableDefinitions = [] } = getOperationAST(document, operationName) ?? {}
  if (variableDefinitions.length === 0) return null
  const { errors } = getVariableValues(schema, variableDefinitions, variableValues ?? {}, {
    maxErrors: MAX_VARIABLE_ERRORS,
  })
  return errors?.map(asRequestError) ?? null
}

/** Adds the status that Yoga's executor gives to such errors. */
function asRequestError({ message, nodes, extensions }: GraphQLError): GraphQLError {
  const http = { status: 400 }
  return new GraphQLError(message, { nodes: nodes ?? null, extensions: { ...extensions, http } })
}

/** Rejects an operation with invalid variables before it is executed. Must come before plugins that count it. */
export const variableErrorsPlugin: GatewayPlugin = {
  onExecute({ args, setExecuteFn }) {
    const errors = errorsOf(args)
    if (errors !== null) setExecuteFn(() => ({ errors }))
  },
  onSubscribe({ args, setSubscribeFn }) {
    const errors = errorsOf(args)
    if (errors !== null) setSubscribeFn(() => ({ errors }))
  },
}
