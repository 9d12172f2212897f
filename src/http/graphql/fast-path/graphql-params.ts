/** Parses the GraphQL params of a request; unusual requests are left to the fallback. */
import { isRecord } from '../../../shared/json.ts'
import { documentIdOf, withoutDocumentId } from '../plugins/persisted-queries.ts'
import type { TrustedDocuments } from '../plugins/trusted-documents.ts'

/** Request parameters; `extensions` are ignored. https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters */
export interface GraphQLParams {
  readonly query: string
  readonly operationName: string | null
  readonly variables: Readonly<Record<string, unknown>>
}

const PARAMETERS: ReadonlySet<string> = new Set([
  'query',
  'operationName',
  'variables',
  'extensions',
])
const NO_VARIABLES = Object.freeze({})

/** Parses a request body. Null if it is malformed or unusual: the fallback decides how to respond. */
export function parseGraphQLParams(
  body: string,
  trusted: TrustedDocuments | null,
): GraphQLParams | null {
  let params: unknown
  try {
    params = JSON.parse(body)
  } catch {
    return null
  }
  return graphQLParamsFrom(params, trusted)
}

/**
 * Reads params from parsed JSON, such as a WebSocket payload. Null as in `parseGraphQLParams`.
 * @param trusted documents whose ids are replaced by their text; null for none
 */
export function graphQLParamsFrom(
  sent: unknown,
  trusted: TrustedDocuments | null,
): GraphQLParams | null {
  const params = trusted === null ? sent : withText(sent, trusted)
  if (!isRecord(params)) return null
  for (const name of Object.keys(params)) if (!PARAMETERS.has(name)) return null
  const { query, operationName = null, variables = null, extensions = null } = params
  if (typeof query !== 'string') return null
  if (operationName !== null && (typeof operationName !== 'string' || operationName === ''))
    return null
  if (variables !== null && !isRecord(variables)) return null
  if (extensions !== null && !isRecord(extensions)) return null
  return { query, operationName, variables: variables ?? NO_VARIABLES }
}

function withText(params: unknown, trusted: TrustedDocuments): unknown {
  const id = documentIdOf(params)
  const text = typeof id === 'string' ? trusted.find(id) : null
  return text === null || !isRecord(params) ? params : { ...withoutDocumentId(params), query: text }
}
