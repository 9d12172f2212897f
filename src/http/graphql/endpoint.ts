/** Paths, size limit and request media type of the GraphQL endpoint. */
import { mediaTypeIn } from '../header-lists.ts'

/** Path of HTTP and WebSocket requests. */
export const GRAPHQL_PATH = '/graphql'

/** Bytes of one request body or WebSocket message, including variables. A `meta` has at most 4 KiB. */
export const MAX_REQUEST_BYTES = 64 * 1024
/** Path prefix of GraphiQL's static files. */
export const GRAPHIQL_BASE = `${GRAPHQL_PATH}/`

/** A Content-Type that Yoga reads. It rejects others that mean the same, such as `Application/JSON`. */
export const YOGA_JSON_TYPE = /^application\/(?:graphql\+)?json(?:;|$)/

/** Whether the Content-Type is JSON. https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types */
export function isJSONType(contentType: string): boolean {
  if (YOGA_JSON_TYPE.test(contentType)) return true
  return ['application/json', 'application/graphql+json'].includes(mediaTypeIn(contentType) ?? '')
}
