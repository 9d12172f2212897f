/** Separates connection errors of D1 from query errors, and returns messages that are safe to log. */

/**
 * Matches messages of an unavailable database, because D1 has no error codes. It is starting, moving,
 * overloaded, full or damaged, or the connection broke. Or the Worker reached its limit of requests per
 * invocation. https://developers.cloudflare.com/d1/observability/debug-d1/
 */
const UNAVAILABLE_MESSAGES =
  /network connection lost|is overloaded|\breset\b|exceeded timeout|internal error|transient issue|client disconnected|failed to parse body as json|something went wrong|too many (?:API requests|subrequests)|maximum db size|SQLITE_(?:BUSY|LOCKED|FULL|READONLY|IOERR|CANTOPEN|CORRUPT|NOTADB)/i

/** True if the database is unavailable; false for an error of the query itself. */
export function isUnavailable(error: unknown): boolean {
  return UNAVAILABLE_MESSAGES.test(messageOf(error))
}

/** True if the database lacks a table or column of the query. */
export function isSchemaMissing(error: unknown): boolean {
  return /no such (?:table|column)|has no column named/.test(messageOf(error))
}

/** Returns D1's message up to the quoted value or response, which may be a secret. */
export function safeMessage(error: unknown): string {
  return messageOf(error).replace(/(?:, got:| for value\b).*/s, '')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
