/** Limits the number of headers of a request. */
import type { IncomingMessage } from 'node:http'

/**
 * Maximum headers of a request: each costs many times its bytes, as long as its request or event stream is open.
 * The maximum of all bytes would allow thousands.
 */
export const MAX_HEADERS = 200

/**
 * Headers that Node's parser shows, one more than allowed. Node 20 obeys further ones without showing them, Node 24
 * rejects them with 431.
 */
export const SHOWN_HEADERS = MAX_HEADERS + 1

/** Whether the request must be rejected: how its body ends, for example, may be in a header that is not shown. */
export function hasTooManyHeaders({ rawHeaders }: IncomingMessage): boolean {
  // Names and values alternately.
  return rawHeaders.length > 2 * MAX_HEADERS
}
