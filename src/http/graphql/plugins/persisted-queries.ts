/**
 * Finds the documents that clients name by an id. Without trusted documents, the gateway stores none, and its
 * response makes clients send the text: https://www.apollographql.com/docs/apollo-server/performance/apq.
 * With trusted documents, it executes no others: https://graphql.org/learn/security/#trusted-documents.
 */
import { GraphQLError } from 'graphql'
import { isRecord } from '../../../shared/json.ts'
import type { Telemetry } from '../../../uploads/ports/telemetry.ts'
import { GRAPHQL_PATH } from '../endpoint.ts'
import type { GatewayPlugin } from './plugin.ts'
import type { TrustedDocuments } from './trusted-documents.ts'

/**
 * Parameters that contain the id: `documentId` of GraphQL over HTTP, then those of Relay's network layers.
 * https://github.com/graphql/graphql-over-http/blob/main/spec/Appendix%20A%20--%20Persisted%20Documents.md
 */
const ID_PARAMETERS = ['documentId', 'doc_id', 'id'] as const

/** Returns the id of the document, of any type. Null if the params contain text, or no id. */
export function documentIdOf(params: unknown): unknown {
  if (!isRecord(params)) return null
  const { query = null, extensions } = params
  if (query !== null && query !== '') return null
  for (const name of ID_PARAMETERS) {
    const id = params[name] ?? null
    if (id !== null) return id
  }
  const persisted = isRecord(extensions) ? (extensions['persistedQuery'] ?? null) : null
  return isRecord(persisted) ? (persisted['sha256Hash'] ?? '') : persisted
}

/** Returns the params without the parameters that contain the id. */
export function withoutDocumentId<T extends object>(params: T): T {
  const rest = { ...params }
  for (const name of ID_PARAMETERS) Reflect.deleteProperty(rest, name)
  return rest
}

/** Which document a request executes. */
export type RequestedDocument =
  /** The text of the request, if any. */
  | { readonly kind: 'as-sent' }
  /** The text that belongs to the id. */
  | { readonly kind: 'text'; readonly text: string }
  /** The status depends on the media type: https://graphql.github.io/graphql-over-http/draft/#sec-Status-Codes */
  | { readonly kind: 'rejected'; readonly error: GraphQLError; readonly status: number }

export type FindDocument = (params: unknown) => RequestedDocument

/** @param trusted null to execute any text, and none by its id */
export function createFindDocument(
  trusted: TrustedDocuments | null,
  telemetry: Pick<Telemetry, 'requestRejected'>,
): FindDocument {
  function reject(message: string): RequestedDocument {
    telemetry.requestRejected(GRAPHQL_PATH, 'untrusted_document')
    return { kind: 'rejected', error: untrustedDocument(message), status: 403 }
  }

  return (params) => {
    const id = documentIdOf(params)
    if (id !== null) {
      if (trusted === null)
        return { kind: 'rejected', error: persistedQueryNotSupported(), status: 200 }
      const text = typeof id === 'string' ? trusted.find(id) : null
      return text === null ? reject(UNKNOWN_ID) : { kind: 'text', text }
    }
    if (trusted === null || !isRecord(params)) return { kind: 'as-sent' }
    const { query } = params
    // Yoga rejects a missing or malformed text.
    if (typeof query !== 'string' || trusted.includes(query)) return { kind: 'as-sent' }
    return reject(UNKNOWN_TEXT)
  }
}

const ADVICE = 'Add it to the file of TRUSTED_DOCUMENTS, and restart the gateway.'
const UNKNOWN_ID = `The gateway executes only trusted documents, and none has this id. ${ADVICE}`
const UNKNOWN_TEXT = `The gateway executes only trusted documents, and this is not one of them. ${ADVICE}`

/** Not `PersistedQueryNotFound` or `PersistedQueryNotSupported`: clients would send the text in vain. */
function untrustedDocument(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'UNTRUSTED_DOCUMENT' } })
}

/** Clients compare the message or the code, so both are the names that Apollo defines. */
function persistedQueryNotSupported(): GraphQLError {
  return new GraphQLError('PersistedQueryNotSupported', {
    extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' },
  })
}

/**
 * Executes only the documents that `findDocument` allows. `PersistedQueryNotSupported` has status 200 in every
 * media type, as in Apollo Server: Apollo Kotlin before 4.1 reads errors of no other response.
 */
export function createPersistedQueriesPlugin(findDocument: FindDocument): GatewayPlugin {
  return {
    onParams({ request, params, setParams, setResult }) {
      // Yoga reads only the usual parameters of a GET request.
      const sent = request.method === 'GET' ? { ...idsIn(request.url), ...params } : params
      const found = findDocument(sent)
      if (found.kind === 'text') {
        setParams({ ...withoutDocumentId(params), query: found.text })
      } else if (found.kind === 'rejected') {
        setResult({ errors: [withStatus(found.error, found.status)] })
        // Not executed. Yoga would reject params without a query.
        setParams({ query: '{ __typename }' })
      }
    },
  }
}

/** Yoga reads the status from this extension, and removes it. */
function withStatus({ message, extensions }: GraphQLError, status: number): GraphQLError {
  return new GraphQLError(message, { extensions: { ...extensions, http: { spec: true, status } } })
}

function idsIn(url: string): Readonly<Record<string, string>> {
  const { searchParams } = new URL(url)
  return Object.fromEntries(
    ID_PARAMETERS.flatMap((name) => {
      const id = searchParams.get(name)
      return id === null ? [] : [[name, id]]
    }),
  )
}
