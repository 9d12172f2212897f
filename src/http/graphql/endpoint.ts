/** Where GraphQL is spoken, and how much may be said at once, by whatever carries it. */

/** The door's path: HTTP and sockets, both lanes. */
export const GRAPHQL_PATH = '/graphql'

/** Bytes of one request or message, its variables included: a meta has 4 KiB at most. */
export const MAX_REQUEST_BYTES = 64 * 1024
/** Where GraphiQL's files are. */
export const GRAPHIQL_BASE = `${GRAPHQL_PATH}/`
