/** Reads an operation's variables as graphql-js coerces them, at once where text is handed through. */
import {
  GraphQLID,
  type GraphQLInputType,
  type GraphQLSchema,
  GraphQLString,
  type VariableDefinitionNode,
  coerceInputValue,
  isInputType,
  isNonNullType,
  typeFromAST,
  valueFromAST,
} from 'graphql'
import { giveUp } from './bail-out.ts'

type Values = Readonly<Record<string, unknown>>
/** The values by name, of what the client sent. Throws where something does not fit. */
export type ReadVariables = (inputs: Values) => Values

/** https://spec.graphql.org/October2021/#sec-Coercing-Variable-Values */
export function variableReader(
  schema: GraphQLSchema,
  definitions: readonly VariableDefinitionNode[],
): ReadVariables {
  const readers = definitions.map((definition) => {
    const type = typeFromAST(schema, definition.type)
    return isInputType(type) ? readerOf(definition, type) : giveUp()
  })
  return (inputs) => {
    // Nothing is inherited: a variable may be called `toString`.
    const values: Record<string, unknown> = { __proto__: null }
    for (const reader of readers) {
      const { name, defaultValue } = reader
      const input = Object.hasOwn(inputs, name) ? inputs[name] : undefined
      if (input !== undefined) values[name] = reader.coerce(input)
      else if (defaultValue !== undefined) values[name] = defaultValue
      else reader.coerce(undefined)
    }
    return values
  }
}

function readerOf({ variable, defaultValue }: VariableDefinitionNode, type: GraphQLInputType) {
  const isRequired = isNonNullType(type)
  const named = isRequired ? type.ofType : type
  const isText = named === GraphQLID || named === GraphQLString
  return {
    name: variable.name.value,
    defaultValue: defaultValue && valueFromAST(defaultValue, type),
    coerce(input: unknown): unknown {
      if (isText && typeof input === 'string') return input
      if (input === null || input === undefined) return isRequired ? giveUp() : input
      const value: unknown = coerceInputValue(input, type, giveUp)
      return value
    },
  }
}
