/** Parses dates in client input. https://www.rfc-editor.org/rfc/rfc3339#section-5.6 */

/** The offset from UTC is required. */
const RFC_3339 =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i

/** The format, as the end of a sentence. */
export const RFC3339_RULE = 'an RFC 3339 date-time such as "2026-02-27T07:20:50Z"'

/** Null unless the text is an RFC 3339 date-time on an existing day. */
export function parseRfc3339(text: string): Date | null {
  if (!RFC_3339.test(text) || !isRealDay(text)) return null
  const date = new Date(text.toUpperCase())
  return Number.isNaN(date.getTime()) ? null : date
}

/** JavaScript converts 30 February to 2 March; such input must be rejected instead. */
function isRealDay(text: string): boolean {
  const [year, month, day] = text.slice(0, 10).split('-').map(Number)
  const date = new Date(Date.UTC(year ?? 0, (month ?? 1) - 1, day))
  return date.getUTCDate() === day
}
