/** Coerces input values as graphql-js does, without its checks of each type at each value. */
import {
  type GraphQLInputObjectType,
  type GraphQLInputType,
  coerceInputValue,
  isInputObjectType,
  isNonNullType,
} from 'graphql'
import { isRecord } from '../../../../shared/json.ts'
import { bailOut } from './bail-out.ts'

/** Returns the coerced value. Bails out, or throws, if the value is invalid. */
export type CoerceInput = (input: unknown) => unknown

/** Shared by all operations: an input type can have many fields. */
const objects = new WeakMap<GraphQLInputObjectType, CoerceInput>()

/** https://spec.graphql.org/October2021/#sec-Input-Values */
export function compileInput(type: GraphQLInputType): CoerceInput {
  if (isNonNullType(type)) {
    const coerce = compileInput(type.ofType)
    return (input) => (input === null || input === undefined ? bailOut() : coerce(input))
  }
  const coerce: CoerceInput =
    isInputObjectType(type) && !type.isOneOf
      ? compileObject(type)
      : (input) => coerceInputValue(input, type, bailOut)
  return (input) => (input === null || input === undefined ? null : coerce(input))
}

function compileObject(type: GraphQLInputObjectType): CoerceInput {
  const known = objects.get(type)
  if (known !== undefined) return known
  /** Compiled with the first value, because a type can contain itself. */
  let fields: readonly CompiledField[] | null = null
  const coerceObject: CoerceInput = (input) => {
    if (!isRecord(input)) return bailOut()
    fields ??= Object.values(type.getFields()).map((field) => ({
      name: field.name,
      coerce: compileInput(field.type),
      isRequired: isNonNullType(field.type),
      defaultValue: field.defaultValue,
    }))
    const values: Record<string, unknown> = {}
    for (const { name, coerce, isRequired, defaultValue } of fields) {
      const value = input[name]
      if (value !== undefined) values[name] = coerce(value)
      else if (defaultValue !== undefined) values[name] = defaultValue
      else if (isRequired) bailOut()
    }
    for (const name of Object.keys(input)) if (!(name in type.getFields())) bailOut()
    return values
  }
  objects.set(type, coerceObject)
  return coerceObject
}

interface CompiledField {
  readonly name: string
  readonly coerce: CoerceInput
  readonly isRequired: boolean
  readonly defaultValue: unknown
}
