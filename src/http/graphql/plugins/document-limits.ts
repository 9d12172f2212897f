/** Limits of one GraphQL document: characters, tokens, comments, depth, aliases and directives. */
import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases'
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth'
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives'
import {
  type ASTVisitor,
  type DocumentNode,
  GraphQLError,
  isIntrospectionType,
  Source,
  type ParseOptions,
  parse,
  type ValidationContext,
} from 'graphql'
import type { GatewayPlugin } from './plugin.ts'

/** Maximum depth. The deepest useful operation has six levels; introspection is not counted. */
export const MAX_DEPTH = 10

/** Maximum number of aliases; each can be another read or another upload. */
export const MAX_ALIASES = 50
export const MAX_DIRECTIVES = 20

/** Rejects operations that exceed a limit before execution; the error names the limit. */
export const operationLimitsPlugin: GatewayPlugin = {
  onValidate({ addValidationRule }) {
    addValidationRule(
      maxDepthRule({
        n: MAX_DEPTH,
        flattenFragments: true,
        ...rejection(`Operation too deep (limit: ${MAX_DEPTH} levels).`),
      }),
    )
    addValidationRule(
      maxAliasesRule({
        n: MAX_ALIASES,
        // Aliases of `__typename` count: they cost as much as others.
        allowList: [],
        ...rejection(`Too many aliases (limit: ${MAX_ALIASES} per operation).`),
      }),
    )
    addValidationRule(noThenAlias)
    addValidationRule(noIntrospectionAlias)
    addValidationRule(
      maxDirectivesRule({
        n: MAX_DIRECTIVES,
        ...rejection(`Too many directives (limit: ${MAX_DIRECTIVES} per operation).`),
      }),
    )
  },
}

/** Rejects the alias `then`: the executor would treat such a result as a promise and fail internally. */
function noThenAlias(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      if (node.alias?.value !== 'then') return
      context.reportError(
        new GraphQLError('The alias `then` is not allowed. Use another name.', {
          nodes: node.alias,
          extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
        }),
      )
    },
  }
}

/**
 * Without aliases each field of the schema is in the result once per object, so that introspection
 * cannot be multiplied. GraphiQL and code generators use none. graphql-js bounds its depth.
 */
function noIntrospectionAlias(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      if (node.alias === undefined) return
      const parent = context.getParentType()
      const isRoot = node.name.value === '__schema' || node.name.value === '__type'
      if (!isRoot && (parent === undefined || parent === null || !isIntrospectionType(parent)))
        return
      context.reportError(
        new GraphQLError('Introspection fields cannot have aliases. Select each field once.', {
          nodes: node.alias,
          extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
        }),
      )
    },
  }
}

/** Makes a rule report a validation error instead of throwing. */
function rejection(message: string) {
  return {
    propagateOnRejection: false,
    onReject: [
      (context: ValidationContext | null) =>
        context?.reportError(
          new GraphQLError(message, { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }),
        ),
    ],
  }
}

/** Maximum characters of one document. Generated documents have a few thousand. */
export const MAX_DOCUMENT_CHARACTERS = 16_384

/** Maximum tokens of one document. The longest useful operation of this schema has about 300. */
export const MAX_TOKENS = 1000

/** Maximum comments; graphql-js does not count them as tokens, but keeps them with the document. */
export const MAX_COMMENTS = 500

/** Parses a document. Throws a GraphQLError if it exceeds a limit or has a syntax error. */
export function parseDocument(source: string | Source, options: ParseOptions = {}): DocumentNode {
  const text = source instanceof Source ? source.body : source
  if (text.length > MAX_DOCUMENT_CHARACTERS) {
    throw parseError(`Document too long (limit: ${MAX_DOCUMENT_CHARACTERS} characters).`)
  }
  if (text.split('#', MAX_COMMENTS + 2).length > MAX_COMMENTS + 1) {
    throw parseError(`Too many comments (limit: ${MAX_COMMENTS} per document).`)
  }
  try {
    return parse(source, { ...options, maxTokens: MAX_TOKENS })
  } catch (error) {
    // The parser is recursive: deep nesting can overflow the stack below the token limit.
    if (!(error instanceof RangeError)) throw error
    throw parseError(`Document nested too deeply, or too many tokens (limit: ${MAX_TOKENS}).`)
  }
}

function parseError(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'GRAPHQL_PARSE_FAILED' } })
}

/** Makes Yoga parse with `parseDocument`. */
export const parserLimitsPlugin: GatewayPlugin = {
  onParse: ({ setParseFn }) => setParseFn(parseDocument),
}
