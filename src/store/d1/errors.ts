/** Tells an error of the way to D1 from one of what was asked, and what of it may be logged. */

/**
 * D1 has no codes, only sentences. These are of a database that starts, moves, is overwhelmed, full or
 * damaged, of a way to it that was cut, or of a Worker that asked all that it may at one go.
 * https://developers.cloudflare.com/d1/observability/debug-d1/
 */
const LOST =
  /network connection lost|is overloaded|\breset\b|exceeded timeout|internal error|transient issue|client disconnected|failed to parse body as json|something went wrong|too many (?:API requests|subrequests)|maximum db size|SQLITE_(?:BUSY|LOCKED|FULL|READONLY|IOERR|CANTOPEN|CORRUPT|NOTADB)/i

/** Whether the database did not answer; false for an error that is about what was asked. */
export function isLost(error: unknown): boolean {
  return LOST.test(messageOf(error))
}

/** Whether the database has not all tables and columns that it was asked for. */
export function isLacking(error: unknown): boolean {
  return /no such (?:table|column)|has no column named/.test(messageOf(error))
}

/**
 * What D1 said, up to where it quotes: a value of a kind that it does not take, or an answer that it
 * could not read. Some of both are secrets.
 */
export function sentenceOf(error: unknown): string {
  return messageOf(error).replace(/(?:, got:| for value\b).*/s, '')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
