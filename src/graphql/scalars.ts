/** The four custom scalars: DateTime, URL, ByteCount (beyond 32 bits) and JSONObject. */
import { GraphQLError, Kind, type ValueNode } from 'graphql'
import {
  type JsonObject,
  STORABLE_JSON_RULE,
  isJsonObject,
  isStorableJson,
} from '../shared/json.ts'
import { RFC3339_RULE, parseRfc3339 } from '../shared/rfc3339.ts'
import { builder } from './builder.ts'

function parseDateTime(value: unknown): Date {
  const date = typeof value === 'string' ? parseRfc3339(value) : null
  if (date !== null) return date
  throw invalidValue('DateTime', RFC3339_RULE, value)
}

function parseByteCount(value: unknown): number {
  const bytes = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value
  if (typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0) return bytes
  throw invalidValue('ByteCount', 'a whole number of bytes from 0 to 9007199254740991', value)
}

function parseURL(value: unknown): string {
  if (typeof value === 'string' && /^https?:\/\//i.test(value) && URL.canParse(value)) return value
  throw invalidValue('URL', 'an absolute http(s) URL', value)
}

function parseJSONObject(value: unknown): JsonObject {
  if (isJsonObject(value)) {
    if (isStorableJson(value)) return value
    throw invalidValue('JSONObject', STORABLE_JSON_RULE, value)
  }
  throw invalidValue('JSONObject', 'a JSON object such as {"title": "Holidays"}', value)
}

/** States the rule and the value's type only, because the value may be large or secret. */
function invalidValue(scalar: string, rule: string, value: unknown): GraphQLError {
  const received = value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value
  return new GraphQLError(`${scalar} must be ${rule}; got ${received}.`, {
    extensions: { code: 'BAD_USER_INPUT' },
  })
}

function literal(scalar: string, rule: string, node: ValueNode): unknown {
  if (node.kind === Kind.STRING) return node.value
  throw new GraphQLError(`${scalar} must be ${rule}.`, {
    nodes: node,
    extensions: { code: 'BAD_USER_INPUT' },
  })
}

function literalValue(node: ValueNode, variables: Readonly<Record<string, unknown>>): unknown {
  switch (node.kind) {
    case Kind.STRING:
    case Kind.BOOLEAN:
    case Kind.ENUM:
      return node.value
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value)
    case Kind.NULL:
      return null
    case Kind.LIST:
      return node.values.map((value) => literalValue(value, variables))
    case Kind.OBJECT:
      return Object.fromEntries(
        node.fields.map((field) => [field.name.value, literalValue(field.value, variables)]),
      )
    case Kind.VARIABLE:
      return variables[node.name.value] ?? null
  }
}

builder.scalarType('DateTime', {
  description: 'RFC 3339 date-time in UTC.',
  serialize: (date) => date.toISOString(),
  parseValue: parseDateTime,
  parseLiteral: (node) => parseDateTime(literal('DateTime', 'a string', node)),
})

builder.scalarType('URL', {
  description: 'Absolute http(s) URL.',
  serialize: (url) => url,
  parseValue: parseURL,
  parseLiteral: (node) => parseURL(literal('URL', 'a string', node)),
})

builder.scalarType('ByteCount', {
  description:
    "Integer number of bytes, 0 to 2^53-1. GraphQL's Int ends at 2 GiB, and an upload can have 30 GB.",
  serialize: (bytes) => bytes,
  parseValue: parseByteCount,
  parseLiteral: (node) =>
    parseByteCount(
      node.kind === Kind.INT ? Number(node.value) : literal('ByteCount', 'a whole number', node),
    ),
})

builder.scalarType('JSONObject', {
  description: 'JSON object, which Stream stores as `meta` of the video.',
  serialize: (value): unknown => value,
  parseValue: parseJSONObject,
  parseLiteral: (node, variables) => parseJSONObject(literalValue(node, variables ?? {})),
})
