/** Serializes scalar and enum values to JSON. */
import {
  GraphQLBoolean,
  GraphQLFloat,
  GraphQLID,
  GraphQLInt,
  type GraphQLLeafType,
  GraphQLString,
  isEnumType,
} from 'graphql'
import { bailOut } from './bail-out.ts'

/** Returns the JSON of a value that is neither null nor undefined. Throws if the type does not allow it. */
export type SerializeLeaf = (value: unknown) => string

/** Compiles a leaf type; values that already have the serialized form skip `type.serialize`. */
export function compileLeaf(type: GraphQLLeafType): SerializeLeaf {
  const serialize: SerializeLeaf = (value) => {
    const json: unknown = type.serialize(value)
    return json === null || json === undefined ? bailOut() : (JSON.stringify(json) ?? bailOut())
  }
  if (isEnumType(type)) {
    const names = new Map(
      type.getValues().map(({ name, value }): [unknown, string] => [value, JSON.stringify(name)]),
    )
    return (value) => names.get(value) ?? bailOut()
  }
  switch (type) {
    case GraphQLString:
    case GraphQLID:
      return (value) => (typeof value === 'string' ? JSON.stringify(value) : serialize(value))
    case GraphQLInt:
      // True for 32-bit integers only.
      return (value) =>
        typeof value === 'number' && (value | 0) === value ? String(value) : serialize(value)
    case GraphQLFloat:
      return (value) => (Number.isFinite(value) ? String(value) : serialize(value))
    case GraphQLBoolean:
      return (value) => (typeof value === 'boolean' ? String(value) : serialize(value))
    default:
      return serialize
  }
}
