/** Coerces an operation's variables as graphql-js does, with a shortcut for strings and ids. */
import {
  GraphQLID,
  type GraphQLInputType,
  type GraphQLSchema,
  GraphQLString,
  type VariableDefinitionNode,
  isInputType,
  isNonNullType,
  typeFromAST,
  valueFromAST,
} from 'graphql'
import { bailOut } from './bail-out.ts'
import { type CoerceInput, compileInput } from './input-value.ts'

type Values = Readonly<Record<string, unknown>>
/** Returns the coerced values by name. Throws if a value is invalid. */
export type CoerceVariables = (inputs: Values) => Values

/** https://spec.graphql.org/October2021/#sec-Coercing-Variable-Values */
export function compileVariables(
  schema: GraphQLSchema,
  definitions: readonly VariableDefinitionNode[],
): CoerceVariables {
  const coercions = definitions.map((definition) => {
    const type = typeFromAST(schema, definition.type)
    return isInputType(type) ? coercionOf(definition, type) : bailOut()
  })
  return (inputs) => {
    // No prototype: a variable may be named `toString`.
    const values: Record<string, unknown> = { __proto__: null }
    for (const coercion of coercions) {
      const { name, defaultValue } = coercion
      const input = Object.hasOwn(inputs, name) ? inputs[name] : undefined
      if (input !== undefined) values[name] = coercion.coerce(input)
      else if (defaultValue !== undefined) values[name] = defaultValue
      else coercion.coerce(undefined)
    }
    return values
  }
}

function coercionOf({ variable, defaultValue }: VariableDefinitionNode, type: GraphQLInputType) {
  const named = isNonNullType(type) ? type.ofType : type
  const isText = named === GraphQLID || named === GraphQLString
  const coerceInput = compileInput(type)
  const coerce: CoerceInput = (input) =>
    isText && typeof input === 'string' ? input : coerceInput(input)
  return {
    name: variable.name.value,
    defaultValue: defaultValue && valueFromAST(defaultValue, type),
    coerce,
  }
}
