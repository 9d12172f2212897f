/** Limits of one GraphQL document: characters, tokens, comments, depth, aliases and directives. */
import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases'
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth'
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives'
import {
  type DocumentNode,
  GraphQLError,
  Source,
  type ParseOptions,
  parse,
  type ValidationContext,
  type ValidationRule,
  visit,
} from 'graphql'
import { eachIntrospectionFieldOnce } from './introspection-limits.ts'
import type { GatewayPlugin } from './plugin.ts'

/** Maximum depth in levels, without introspection. The deepest useful operation has six levels. */
export const MAX_DEPTH = 10

/** Maximum number of aliases; each can add another read or another upload. */
export const MAX_ALIASES = 50
export const MAX_DIRECTIVES = 20

/** Validation rule: rejects the alias `then`. The executor would treat such a result as a promise and fail. */
const noThenAlias: ValidationRule = (context) => ({
  Field(node) {
    if (node.alias?.value !== 'then') return
    context.reportError(
      new GraphQLError('The alias `then` is not allowed. Use another name.', {
        nodes: node.alias,
        extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
      }),
    )
  },
})

/** Validation rule: rejects a variable `__proto__`. The executor never finds it, and each use would be an error. */
const noProtoVariable: ValidationRule = (context) => ({
  VariableDefinition({ variable }) {
    if (variable.name.value !== '__proto__') return
    context.reportError(
      new GraphQLError('The variable name `__proto__` is not allowed. Use another name.', {
        nodes: variable,
        extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
      }),
    )
  },
})

/** Validation rules that reject operations that exceed a limit; the error names the limit. */
export const operationLimitRules: readonly ValidationRule[] = [
  maxDepthRule({
    n: MAX_DEPTH,
    flattenFragments: true,
    ...rejection(`Operation too deep (limit: ${MAX_DEPTH} levels).`),
  }),
  maxAliasesRule({
    n: MAX_ALIASES,
    // Counts aliases of `__typename` too: they cost as much as others.
    allowList: [],
    ...rejection(`Too many aliases (limit: ${MAX_ALIASES} per operation).`),
  }),
  noThenAlias,
  noProtoVariable,
  eachIntrospectionFieldOnce,
  maxDirectivesRule({
    n: MAX_DIRECTIVES,
    ...rejection(`Too many directives (limit: ${MAX_DIRECTIVES} per operation).`),
  }),
]

/** Validates operations by these rules, before their execution. */
export const operationLimitsPlugin: GatewayPlugin = {
  onValidate({ addValidationRule, validateFn, setValidationFn }) {
    for (const rule of operationLimitRules) addValidationRule(rule)
    setValidationFn((...args: Parameters<typeof validateFn>) => {
      try {
        const errors: unknown = validateFn(...args)
        return errors
      } catch (error) {
        // Some rules are recursive: a long chain of fragments can overflow the stack.
        if (!(error instanceof RangeError)) throw error
        return [parseError('Document nested too deeply: its fragments use too many others.')]
      }
    })
  },
}

/** Returns options that make a rule report a validation error instead of throwing. */
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

/** Maximum characters of one document. Generated documents have a few thousand characters. */
export const MAX_DOCUMENT_CHARACTERS = 16_384

/** Maximum tokens of one document. The longest useful operation of this schema has about 300. */
export const MAX_TOKENS = 1000

/** Maximum comments; graphql-js does not count them as tokens. */
export const MAX_COMMENTS = 500

/** Maximum lines: graphql-js finds the location of each error by reading all lines before it. */
export const MAX_LINES = 1000

const LINE_BREAK = /\r\n|[\n\r]/

/** Parses a document. Throws a GraphQLError if it exceeds a limit or has a syntax error. */
export function parseDocument(source: string | Source, options: ParseOptions = {}): DocumentNode {
  const text = source instanceof Source ? source.body : source
  if (text.length > MAX_DOCUMENT_CHARACTERS) {
    throw parseError(`Document too long (limit: ${MAX_DOCUMENT_CHARACTERS} characters).`)
  }
  if (text.split('#', MAX_COMMENTS + 2).length > MAX_COMMENTS + 1) {
    throw parseError(`Too many comments (limit: ${MAX_COMMENTS} per document).`)
  }
  if (text.split(LINE_BREAK, MAX_LINES + 1).length > MAX_LINES) {
    throw parseError(`Too many lines (limit: ${MAX_LINES} per document).`)
  }
  try {
    return withoutTokens(parse(source, { ...options, maxTokens: MAX_TOKENS }))
  } catch (error) {
    // The parser is recursive: deep nesting can overflow the stack before the token limit is reached.
    if (!(error instanceof RangeError)) throw error
    throw parseError(`Document nested too deeply, or too many tokens (limit: ${MAX_TOKENS}).`)
  }
}

/**
 * Removes the tokens and comments from a parsed document, and returns it. They take a quarter of the memory of
 * documents that are cached or belong to open subscriptions. Only the parser reads them; the `locations` of
 * errors are computed from offsets.
 */
function withoutTokens(document: DocumentNode): DocumentNode {
  visit(document, {
    enter({ loc }) {
      if (loc === undefined) return
      Reflect.set(loc, 'startToken', undefined)
      Reflect.set(loc, 'endToken', undefined)
    },
  })
  return document
}

function parseError(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'GRAPHQL_PARSE_FAILED' } })
}

/** Makes Yoga parse with `parseDocument`. */
export const parserLimitsPlugin: GatewayPlugin = {
  onParse: ({ setParseFn }) => setParseFn(parseDocument),
}
