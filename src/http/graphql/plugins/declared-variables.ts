/** Selects the variables that an operation declares from those that the client sent. */
import type { OperationDefinitionNode } from 'graphql'

type Variables = Readonly<Record<string, unknown>>

/** Returns the names of the variables that the operation declares. */
export function variableNames({
  variableDefinitions = [],
}: OperationDefinitionNode): readonly string[] {
  return variableDefinitions.map(({ variable }) => variable.name.value)
}

/**
 * Returns the uncoerced values of these variables only. Undeclared variables are legal and have no effect
 * (https://spec.graphql.org/October2021/#sec-Coercing-Variable-Values), so subscriptions do not keep them.
 */
export function pickVariables(names: readonly string[], variables: Variables): Variables {
  return Object.fromEntries(
    names.flatMap((name) => (Object.hasOwn(variables, name) ? [[name, variables[name]]] : [])),
  )
}
