/** Configures the schema builder, from which all types are inferred. */
import SchemaBuilder from '@pothos/core'
import type { JsonObject } from '../shared/json.ts'
import type { GraphQLContext } from './context.ts'

export const builder = new SchemaBuilder<{
  Context: GraphQLContext
  DefaultFieldNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    URL: { Input: string; Output: string }
    ByteCount: { Input: number; Output: number }
    JSONObject: { Input: JsonObject; Output: JsonLeaf }
  }
}>({ defaultFieldNullability: false })

builder.queryType({})
builder.mutationType({})
builder.subscriptionType({})

/** Value of the scalar `JSONObject`. */
export interface JsonLeaf {
  toJSON(): JsonObject
}

/**
 * Wraps the object, because the executor treats any value with a `then` as a promise. A key `then` in one
 * upload's meta would break every list that contains it.
 */
export function jsonLeaf(json: JsonObject): JsonLeaf {
  return { toJSON: () => json }
}
