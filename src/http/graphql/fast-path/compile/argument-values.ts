/** Coerces a field's arguments as graphql-js does, with a shortcut for a single variable. */
import { type FieldNode, type GraphQLField, Kind, getArgumentValues } from 'graphql'

type Values = Readonly<Record<string, unknown>>
/** Returns the arguments for these coerced variables. Throws if a value is invalid. */
export type CoerceArguments = (variables: Values) => Values

const NONE: Values = Object.freeze({})

/** https://spec.graphql.org/October2021/#sec-Coercing-Field-Arguments */
export function compileArguments(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
): CoerceArguments {
  const nodes = node.arguments ?? []
  if (field.args.length === 0) return () => NONE
  const [only] = nodes
  const value = only?.value
  // The most common case: `upload(uid: $uid)`. Validation guarantees that the variable's type is allowed
  // for the argument, and the value is already coerced.
  if (field.args.length === 1 && only !== undefined && value?.kind === Kind.VARIABLE) {
    const name = only.name.value
    const variable = value.name.value
    return (variables) => {
      const passed = variables[variable]
      return passed === null || passed === undefined
        ? getArgumentValues(field, node, variables)
        : { [name]: passed }
    }
  }
  return (variables) => getArgumentValues(field, node, variables)
}
