/** Reads a field's arguments as graphql-js coerces them, at once where a variable is handed through. */
import { type FieldNode, type GraphQLField, Kind, getArgumentValues } from 'graphql'

type Values = Readonly<Record<string, unknown>>
/** The arguments, by the variables of one execution. Throws where a value does not fit. */
export type ReadArguments = (variables: Values) => Values

const NONE: Values = Object.freeze({})

/** https://spec.graphql.org/October2021/#sec-Coercing-Field-Arguments */
export function argumentReader(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
): ReadArguments {
  const given = node.arguments ?? []
  if (field.args.length === 0) return () => NONE
  const [only] = given
  const value = only?.value
  // By far the most: `upload(uid: $uid)`. The variable was coerced to the very type of the argument,
  // or to one that fits it, when the operation was validated.
  if (field.args.length === 1 && only !== undefined && value?.kind === Kind.VARIABLE) {
    const name = only.name.value
    const variable = value.name.value
    return (variables) => {
      const handed = variables[variable]
      return handed === null || handed === undefined
        ? getArgumentValues(field, node, variables)
        : { [name]: handed }
    }
  }
  return (variables) => getArgumentValues(field, node, variables)
}
