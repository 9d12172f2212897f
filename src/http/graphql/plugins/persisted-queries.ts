/**
 * Rejects persisted queries, which the gateway does not store, in the way that makes clients send the text.
 * https://www.apollographql.com/docs/apollo-server/performance/apq
 */
import { GraphQLError } from 'graphql'
import { isRecord } from '../../../shared/json.ts'
import type { GatewayPlugin } from './plugin.ts'

/** Whether the params name a document by its hash or id, and contain no text. */
export function isPersistedQuery(params: unknown): boolean {
  if (!isRecord(params)) return false
  const { query = null, documentId = null, extensions } = params
  if (query !== null && query !== '') return false
  if (documentId !== null) return true
  return isRecord(extensions) && (extensions['persistedQuery'] ?? null) !== null
}

/** Clients compare the message or the code, so both are the names that Apollo defines. */
export function persistedQueryNotSupported(): GraphQLError {
  return new GraphQLError('PersistedQueryNotSupported', {
    extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' },
  })
}

/**
 * Responds with status 200 in every media type, as Apollo Server does: Apollo Kotlin before 4.1 reads errors
 * of no other response.
 */
export const persistedQueriesPlugin: GatewayPlugin = {
  onParams({ params, setParams, setResult }) {
    if (!isPersistedQuery(params)) return
    setResult({ errors: [persistedQueryNotSupported()] })
    // Not executed. Yoga would reject params without a query.
    setParams({ query: '{ __typename }' })
  },
}
