/** Derives the JSON Schema of callbacks from the GraphQL schema, so that both show an upload alike. */
import {
  type GraphQLObjectType,
  type GraphQLOutputType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
} from 'graphql'
import { schema } from '../../src/graphql/schema.ts'
import { callbackTypes } from '../../src/uploads/callbacks/callback-type.ts'

type JsonSchema = Readonly<Record<string, unknown>>

/** Fields that callbacks do not have: secrets, and the history, which the callbacks tell one by one. */
export const OMITTED: ReadonlySet<string> = new Set([
  'Upload.uploadURL',
  'Upload.history',
  'Video.playback',
])

const scalars: Readonly<Record<string, JsonSchema>> = {
  ID: { type: 'string' },
  String: { type: 'string' },
  Boolean: { type: 'boolean' },
  Int: { type: 'integer' },
  Float: { type: 'number' },
  DateTime: { type: 'string', format: 'date-time' },
  URL: { type: 'string', format: 'uri' },
  ByteCount: { type: 'integer', minimum: 0 },
  JSONObject: { type: 'object' },
}

/** The GraphQL type of `data`. */
export function uploadType(): GraphQLObjectType {
  const type = schema.getType('Upload')
  if (!isObjectType(type)) throw new Error('The schema has no object type Upload.')
  return type
}

/** Fields of the type that callbacks have. */
export function fieldsOf(type: GraphQLObjectType) {
  return Object.values(type.getFields()).filter(({ name }) => !OMITTED.has(`${type.name}.${name}`))
}

export function callbackSchema(): JsonSchema {
  const definitions: Record<string, JsonSchema> = {}

  /** Returns the schema of a value that is never null. */
  function present(type: GraphQLOutputType): JsonSchema {
    if (isListType(type)) return { type: 'array', items: schemaOf(type.ofType) }
    if (isScalarType(type)) {
      const scalar = scalars[type.name]
      if (scalar === undefined) throw new Error(`The scalar ${type.name} has no JSON Schema.`)
      return scalar
    }
    if (isEnumType(type)) {
      definitions[type.name] ??= {
        description: type.description,
        enum: type.getValues().map(({ name }) => name),
      }
      return { $ref: `#/$defs/${type.name}` }
    }
    if (!isObjectType(type)) throw new Error(`The type ${type.toString()} has no JSON Schema.`)
    definitions[type.name] ??= objectSchema(type)
    return { $ref: `#/$defs/${type.name}` }
  }

  function schemaOf(type: GraphQLOutputType): JsonSchema {
    return isNonNullType(type) ? present(type.ofType) : { anyOf: [present(type), { type: 'null' }] }
  }

  function objectSchema(type: GraphQLObjectType): JsonSchema {
    const fields = fieldsOf(type)
    return {
      description: type.description,
      type: 'object',
      properties: Object.fromEntries(
        fields.map((field) => [
          field.name,
          { description: field.description, ...schemaOf(field.type) },
        ]),
      ),
      required: fields.map(({ name }) => name),
    }
  }

  const data = present(uploadType())
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Callback',
    description:
      'Body of a callback of headgate. Later versions may add fields and types: ignore those that you do not know.',
    type: 'object',
    properties: {
      type: { description: 'What happened to the upload.', enum: callbackTypes },
      timestamp: { description: 'Time of the change.', ...scalars['DateTime'] },
      data: { description: 'The upload after the change, as its creator sees it.', ...data },
    },
    required: ['type', 'timestamp', 'data'],
    $defs: definitions,
  }
}
