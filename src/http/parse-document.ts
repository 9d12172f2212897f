/** Parses what a client sent, with a bound on its length in tokens: depth and breadth have it too. */
import { type DocumentNode, GraphQLError, type ParseOptions, type Source, parse } from 'graphql'
import type { Plugin } from 'graphql-yoga'

/** The longest sensible operation of this schema has some three hundred. */
const MAX_TOKENS = 1000

/** Throws a GraphQLError where the document is too long or no GraphQL. */
export function parseDocument(source: string | Source, options: ParseOptions = {}): DocumentNode {
  try {
    return parse(source, { ...options, maxTokens: MAX_TOKENS })
  } catch (error) {
    // The parser calls itself for each level: even few tokens may go deeper than the stack.
    if (!(error instanceof RangeError)) throw error
    throw new GraphQLError(
      `The document is nested too deep, or has more than ${MAX_TOKENS} tokens.`,
      {
        extensions: { code: 'GRAPHQL_PARSE_FAILED' },
      },
    )
  }
}

/** The same for Yoga. */
export const useBoundedParser: Plugin = {
  onParse: ({ setParseFn }) => setParseFn(parseDocument),
}
