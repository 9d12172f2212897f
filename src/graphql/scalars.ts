/** The four scalars of the contract: dates, addresses, bytes beyond 32 bits, and JSON objects. */
import { GraphQLError, Kind, type ValueNode } from 'graphql'
import type { JsonObject } from '../shared/json.ts'
import { MOMENT_RULE, readMoment } from '../shared/rfc3339.ts'
import { builder } from './builder.ts'

function parseDateTime(value: unknown): Date {
  const date = typeof value === 'string' ? readMoment(value) : null
  if (date !== null) return date
  throw refuse('DateTime', MOMENT_RULE, value)
}

function parseByteCount(value: unknown): number {
  const bytes = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value
  if (typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0) return bytes
  throw refuse('ByteCount', 'a whole number of bytes from 0 to 9007199254740991', value)
}

function parseURL(value: unknown): string {
  if (typeof value === 'string' && /^https?:\/\//i.test(value) && URL.canParse(value)) return value
  throw refuse('URL', 'an absolute http(s) URL', value)
}

function parseJSONObject(value: unknown): JsonObject {
  if (isJsonObject(value)) {
    if (isShallow(value)) return value
    throw refuse('JSONObject', `nested at most ${MAX_DEPTH} levels deep`, value)
  }
  throw refuse('JSONObject', 'a JSON object such as {"title": "Holidays"}', value)
}

/** Deeper than anybody's meta, and shallow enough to walk through. */
const MAX_DEPTH = 16

function isShallow(value: unknown, depth = 1): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth <= MAX_DEPTH && Object.values(value).every((child) => isShallow(child, depth + 1))
}

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Says what would be right; what came is named by its kind only, for it may be large or secret. */
function refuse(scalar: string, right: string, value: unknown): GraphQLError {
  const came = value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value
  return new GraphQLError(`${scalar} must be ${right}; got ${came}.`, {
    extensions: { code: 'BAD_USER_INPUT' },
  })
}

function literal(scalar: string, right: string, node: ValueNode): unknown {
  if (node.kind === Kind.STRING) return node.value
  throw new GraphQLError(`${scalar} must be ${right}.`, {
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
    "Whole number of bytes, 0 to 2^53-1. (GraphQL's Int stops at 2 GiB; a Stream upload may be 30 GB.)",
  serialize: (bytes) => bytes,
  parseValue: parseByteCount,
  parseLiteral: (node) =>
    parseByteCount(
      node.kind === Kind.INT ? Number(node.value) : literal('ByteCount', 'a whole number', node),
    ),
})

builder.scalarType('JSONObject', {
  description: "JSON object; Stream stores it as the video's meta.",
  serialize: (value): unknown => value,
  parseValue: parseJSONObject,
  parseLiteral: (node, variables) => parseJSONObject(literalValue(node, variables ?? {})),
})
