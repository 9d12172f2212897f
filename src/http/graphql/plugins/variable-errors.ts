/** Yoga plugin that limits the errors of invalid variables. */
import { type ExecutionArgs, GraphQLError, getOperationAST, getVariableValues } from 'graphql'
import { variablesInNonNullPositions } from './non-null-positions.ts'
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
  const operation = getOperationAST(document, operationName)
  const { variableDefinitions = [] } = operation ?? {}
  if (!operation || variableDefinitions.length === 0) return null
  const { errors, coerced } = getVariableValues(schema, variableDefinitions, variableValues ?? {}, {
    maxErrors: MAX_VARIABLE_ERRORS,
  })
  if (errors !== undefined) return errors.map(asRequestError)
  // As field errors, they would be as many as the entries of all lists.
  if (!Object.values(coerced).includes(null)) return null
  const rejected = variablesInNonNullPositions(schema, document, operation).filter(
    (name) => coerced[name] === null,
  )
  return rejected.length === 0 ? null : rejected.slice(0, MAX_VARIABLE_ERRORS).map(nullError)
}

function nullError(name: string): GraphQLError {
  const message = `Variable "$${name}" must not be null, because the document uses it where null is not allowed. Omit it for the default value.`
  return asRequestError(new GraphQLError(message))
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
