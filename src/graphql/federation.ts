/**
 * The schema as a subgraph of Apollo Federation 2. It adds what a router needs: the SDL with its directives, and
 * the lookup of entities. https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec
 */
import {
  type ConstDirectiveNode,
  type GraphQLFieldConfigMap,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  GraphQLUnionType,
  Kind,
  assertObjectType,
  parse,
  print,
  printSchema,
  visit,
} from 'graphql'
import { isRecord } from '../shared/json.ts'
import { findUploads } from '../uploads/find-upload.ts'
import type { Upload } from '../uploads/upload.ts'
import { badUserInput } from './query-errors.ts'
import type { GraphQLContext } from './context.ts'

/** Maximum representations of one `_entities` field. */
export const MAX_REPRESENTATIONS = 100

const LINK =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])'

/** Directives by type. Other subgraphs with Relay connections define the same `PageInfo`. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  Upload: '@key(fields: "uid")',
  PageInfo: '@shareable',
}

/** Fields of Relay, which each subgraph with Relay defines: composition rejects a field of several subgraphs. */
const OMITTED_QUERIES = new Set(['node', 'nodes'])

/** Returns the schema with `_service` and `_entities`. The schema itself is not changed. */
export function createFederatedSchema(schema: GraphQLSchema): GraphQLSchema {
  const query = assertObjectType(schema.getQueryType())
  const { fields, ...config } = query.toConfig()
  const federated = new GraphQLObjectType({
    ...config,
    fields: { ...fields, ...federationFields(schema) },
  })
  const { types, ...rest } = schema.toConfig()
  return new GraphQLSchema({
    ...rest,
    query: federated,
    types: types.filter((type) => type !== query),
  })
}

function federationFields(schema: GraphQLSchema): GraphQLFieldConfigMap<unknown, GraphQLContext> {
  const sdl = printSubgraph(schema)
  const service = new GraphQLObjectType({
    name: '_Service',
    description: 'The subgraph, for the composition of a supergraph.',
    fields: {
      sdl: {
        type: new GraphQLNonNull(GraphQLString),
        description: 'Schema of the subgraph with the directives of Apollo Federation 2.',
        resolve: () => sdl,
      },
    },
  })
  const any = new GraphQLScalarType({
    name: '_Any',
    description:
      'Representation of an entity: an object with `__typename` and the fields of its key.',
  })
  const entity = new GraphQLUnionType({
    name: '_Entity',
    description: 'An entity that other subgraphs may reference.',
    types: [assertObjectType(schema.getType('Upload'))],
    resolveType: () => 'Upload',
  })
  return {
    _service: {
      type: new GraphQLNonNull(service),
      description: 'The subgraph, for the composition of a supergraph.',
      resolve: () => ({}),
    },
    _entities: {
      type: new GraphQLNonNull(new GraphQLList(entity)),
      description: `The entities with these representations, in the same order; null for each that does not exist, or belongs to another creator. At most ${MAX_REPRESENTATIONS}.`,
      args: {
        representations: {
          type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(any))),
          description: 'Representations, such as `{ __typename: "Upload", uid: "…" }`.',
        },
      },
      resolve: (_root, args: EntitiesArguments, context) =>
        findEntities(args.representations, context),
    },
  }
}

interface EntitiesArguments {
  readonly representations: readonly unknown[]
}

/** Returns the uploads with one query, like `nodes`. */
async function findEntities(
  representations: readonly unknown[],
  { dependencies, viewer, resultLimit, pages }: GraphQLContext,
): Promise<readonly (Upload | null)[]> {
  if (representations.length > MAX_REPRESENTATIONS) {
    throw badUserInput(`Too many \`representations\` (limit: ${MAX_REPRESENTATIONS}).`)
  }
  const uids = representations.map(uidOf)
  resultLimit.consume(uids.length)
  const found = await pages.read(uids.length, () => findUploads(dependencies, viewer, uids))
  return uids.map((uid) => found.get(uid) ?? null)
}

function uidOf(representation: unknown): string {
  if (isRecord(representation)) {
    const { __typename: type, uid } = representation
    if (type === 'Upload' && typeof uid === 'string') return uid
  }
  throw badUserInput(
    'Each of `representations` must be an object such as { __typename: "Upload", uid: "…" }.',
  )
}

/** Prints the schema with the directives of a subgraph. */
function printSubgraph(schema: GraphQLSchema): string {
  const document = visit(parse(printSchema(schema)), {
    ObjectTypeDefinition(node) {
      const { name, fields = [], directives = [] } = node
      return {
        ...node,
        directives: [...directives, ...directivesOf(DIRECTIVES[name.value] ?? '')],
        fields:
          name.value === 'Query'
            ? fields.filter((field) => !OMITTED_QUERIES.has(field.name.value))
            : fields,
      }
    },
  })
  return `${LINK}\n\n${print(document)}`
}

function directivesOf(text: string): readonly ConstDirectiveNode[] {
  const [definition] = parse(`type T ${text}`).definitions
  return definition?.kind === Kind.OBJECT_TYPE_DEFINITION ? (definition.directives ?? []) : []
}
