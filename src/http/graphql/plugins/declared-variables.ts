/** The variables that an operation declares, of those that a client sent. */
import type { OperationDefinitionNode } from 'graphql'

type Variables = Readonly<Record<string, unknown>>

/** Names of the operation's variables. */
export function variableNames({
  variableDefinitions = [],
}: OperationDefinitionNode): readonly string[] {
  return variableDefinitions.map(({ variable }) => variable.name.value)
}

/**
 * The values of these variables only, uncoerced. Others are legal and have no effect
 * (https://spec.graphql.org/October2021/#sec-Coercing-Variable-Values), so that they need not be kept
 * for the life of a subscription.
 */
export function pickVariables(names: readonly string[], variables: Variables): Variables {
  return Object.fromEntries(
    names.flatMap((name) => (Object.hasOwn(variables, name) ? [[name, variables[name]]] : [])),
  )
}
