/** Prints a schema as a Markdown page: every description, with links between the types. */
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  isUnionType,
} from 'graphql'
import { cell, code, defaultOf, linkTo, table, typeOf } from './markdown.ts'

const INTRODUCTION = `# API reference

Every query, mutation, subscription and type of the GraphQL API, printed from the descriptions in [schema.graphql](schema.graphql) by \`npm run reference:print\`. A type that ends in \`!\` is never null.`

/** The kinds of types, in the order of the page. */
const kinds: readonly (readonly [title: string, is: (type: GraphQLNamedType) => boolean])[] = [
  ['Unions', isUnionType],
  ['Objects', isObjectType],
  ['Interfaces', isInterfaceType],
  ['Inputs', isInputObjectType],
  ['Enums', isEnumType],
  ['Scalars', isScalarType],
]

/** Returns the complete page. */
export function printReference(schema: GraphQLSchema): string {
  const roots: readonly (readonly [string, GraphQLObjectType | null | undefined])[] = [
    ['Queries', schema.getQueryType()],
    ['Mutations', schema.getMutationType()],
    ['Subscriptions', schema.getSubscriptionType()],
  ]
  const rootTypes = new Set<unknown>(roots.map(([, type]) => type))
  const types = Object.values(schema.getTypeMap())
    .filter(({ name }) => !name.startsWith('__'))
    .filter((type) => !rootTypes.has(type) && !isSpecifiedScalarType(type))
  const sections = [
    ...roots.map(([title, type]) =>
      section(title, Object.values(type?.getFields() ?? {}).map(operationOf(type?.name ?? ''))),
    ),
    ...kinds.map(([title, is]) =>
      section(
        title,
        types.filter(is).map((type) => describeType(schema, type)),
      ),
    ),
  ]
  return `${[INTRODUCTION, ...sections.filter((text) => text !== '')].join('\n\n')}\n`
}

function section(title: string, entries: readonly string[]): string {
  return entries.length === 0 ? '' : [`## ${title}`, ...entries].join('\n\n')
}

/** The heading is `Query.upload`, because `upload` would have the same anchor as the type `Upload`. */
function operationOf(root: string): (field: GraphQLField<unknown, unknown>) => string {
  return (field) =>
    paragraphs(
      `### ${root}.${field.name}`,
      descriptionOf(field),
      table(['argument', 'type', 'meaning'], field.args.map(inputRow)),
      `Returns ${typeOf(field.type)}.`,
    )
}

function describeType(schema: GraphQLSchema, type: GraphQLNamedType): string {
  return paragraphs(`### ${type.name}`, type.description ?? '', ...detailsOf(schema, type))
}

function detailsOf(schema: GraphQLSchema, type: GraphQLNamedType): readonly string[] {
  if (isUnionType(type)) return [`One of ${type.getTypes().map(linkTo).join(', ')}.`]
  if (isEnumType(type)) {
    const rows = type.getValues().map((value) => [code(value.name), cell(descriptionOf(value))])
    return [table(['value', 'meaning'], rows)]
  }
  if (isInputObjectType(type)) {
    return [table(['field', 'type', 'meaning'], Object.values(type.getFields()).map(inputRow))]
  }
  if (isScalarType(type)) {
    return type.specifiedByURL ? [`Specified by <${type.specifiedByURL}>.`] : []
  }
  const related = isInterfaceType(type)
    ? listOf('Implemented by', schema.getPossibleTypes(type))
    : listOf('Implements', type.getInterfaces())
  const rows = Object.values(type.getFields()).flatMap(fieldRows)
  return [related, table(['field', 'type', 'meaning'], rows)]
}

function listOf(label: string, types: readonly GraphQLNamedType[]): string {
  return types.length === 0 ? '' : `${label} ${types.map(linkTo).join(', ')}.`
}

/** Returns the row of a field, followed by the rows of its arguments. */
function fieldRows(field: GraphQLField<unknown, unknown>): readonly (readonly string[])[] {
  const args = field.args.map((arg) => {
    const [, type = '', meaning = ''] = inputRow(arg)
    return [code(`${field.name}(${arg.name})`), type, meaning]
  })
  return [[code(field.name), typeOf(field.type), cell(descriptionOf(field))], ...args]
}

function inputRow(input: GraphQLArgument | GraphQLInputField): readonly string[] {
  const type = `${typeOf(input.type)}${defaultOf(input)}`
  return [code(input.name), type, cell(descriptionOf(input))]
}

/** Returns the description, preceded by the deprecation reason. */
function descriptionOf(element: {
  readonly description?: string | null | undefined
  readonly deprecationReason?: string | null | undefined
}): string {
  const { description, deprecationReason } = element
  const warning = deprecationReason ? `**Deprecated: ${deprecationReason}** ` : ''
  return `${warning}${description ?? ''}`.trim()
}

function paragraphs(...texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join('\n\n')
}
