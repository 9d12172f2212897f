/** Writes values of scalars and enums as JSON, as their types serialise them. */
import {
  GraphQLBoolean,
  GraphQLFloat,
  GraphQLID,
  GraphQLInt,
  type GraphQLLeafType,
  GraphQLString,
  isEnumType,
} from 'graphql'
import { giveUp } from './bail-out.ts'

/** JSON of a value that is neither null nor undefined. Throws where it is none of the type's. */
export type WriteLeaf = (value: unknown) => string

/** What is already of the kind that the type serialises to is written at once. */
export function leafWriter(type: GraphQLLeafType): WriteLeaf {
  const serialise: WriteLeaf = (value) => {
    const json: unknown = type.serialize(value)
    return json === null || json === undefined ? giveUp() : (JSON.stringify(json) ?? giveUp())
  }
  if (isEnumType(type)) {
    const names = new Map(
      type.getValues().map(({ name, value }): [unknown, string] => [value, JSON.stringify(name)]),
    )
    return (value) => names.get(value) ?? giveUp()
  }
  switch (type) {
    case GraphQLString:
    case GraphQLID:
      return (value) => (typeof value === 'string' ? JSON.stringify(value) : serialise(value))
    case GraphQLInt:
      // The same as itself once it is cut to 32 bits.
      return (value) =>
        typeof value === 'number' && (value | 0) === value ? String(value) : serialise(value)
    case GraphQLFloat:
      return (value) => (Number.isFinite(value) ? String(value) : serialise(value))
    case GraphQLBoolean:
      return (value) => (typeof value === 'boolean' ? String(value) : serialise(value))
    default:
      return serialise
  }
}
