/** Reads moments as callers write them. https://www.rfc-editor.org/rfc/rfc3339#section-5.6 */

/** The offset from UTC is not optional. */
const RFC_3339 =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i

/** What is right, as the end of a sentence. */
export const MOMENT_RULE = 'an RFC 3339 date-time such as "2026-02-27T07:20:50Z"'

/** Null for anything but an RFC 3339 date-time of a day that exists. */
export function readMoment(text: string): Date | null {
  if (!RFC_3339.test(text) || !isRealDay(text)) return null
  const date = new Date(text.toUpperCase())
  return Number.isNaN(date.getTime()) ? null : date
}

/** JavaScript turns 30 February into 2 March; a caller who wrote that should hear of it. */
function isRealDay(text: string): boolean {
  const [year, month, day] = text.slice(0, 10).split('-').map(Number)
  const date = new Date(Date.UTC(year ?? 0, (month ?? 1) - 1, day))
  return date.getUTCDate() === day
}
