/** Paths and size limit of the GraphQL endpoint, for HTTP and WebSocket. */

/** Path of HTTP and WebSocket requests. */
export const GRAPHQL_PATH = '/graphql'

/** Bytes of one request body or WebSocket message, including variables. A `meta` has at most 4 KiB. */
export const MAX_REQUEST_BYTES = 64 * 1024
/** Path prefix of GraphiQL's static files. */
export const GRAPHIQL_BASE = `${GRAPHQL_PATH}/`
