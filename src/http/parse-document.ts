/** Parses what a client sent, within bounds on its length: depth and breadth have them too. */
import { type DocumentNode, GraphQLError, type ParseOptions, Source, parse } from 'graphql'
import type { GatewayPlugin } from './graphql/plugins/plugin.ts'

/** Characters of one document. Those that tools generate have a few thousand. */
export const MOST_CHARACTERS = 16_384
/** The longest sensible operation of this schema has some three hundred. */
export const MOST_TOKENS = 1000
/** Comments are no tokens to graphql-js, and kept with the document all the same. */
export const MOST_COMMENTS = 500

/** Throws a GraphQLError where the document is too long or no GraphQL. */
export function parseDocument(source: string | Source, options: ParseOptions = {}): DocumentNode {
  const text = source instanceof Source ? source.body : source
  if (text.length > MOST_CHARACTERS) {
    throw refuse(`A document may have ${MOST_CHARACTERS} characters.`)
  }
  if (text.split('#', MOST_COMMENTS + 2).length > MOST_COMMENTS + 1) {
    throw refuse(`A document may have ${MOST_COMMENTS} comments.`)
  }
  try {
    return parse(source, { ...options, maxTokens: MOST_TOKENS })
  } catch (error) {
    // The parser calls itself for each level: even few tokens may go deeper than the stack.
    if (!(error instanceof RangeError)) throw error
    throw refuse(`The document is nested too deep, or has more than ${MOST_TOKENS} tokens.`)
  }
}

function refuse(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'GRAPHQL_PARSE_FAILED' } })
}

/** The same for Yoga. */
export const useBoundedParser: GatewayPlugin = {
  onParse: ({ setParseFn }) => setParseFn(parseDocument),
}
