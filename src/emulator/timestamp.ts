/** Parses RFC 3339 times with up to nine fraction digits, and formats them as Stream does. */

const RFC_3339 =
  /^(\d{4}-\d{2}-\d{2})[Tt]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/

/** Returns microseconds since 1970 UTC, rounded down; null when the text is no RFC 3339 time. */
export function parseMicroseconds(text: string): number | null {
  const match = RFC_3339.exec(text)
  if (match === null) return null
  const [, day = '', time = '', fraction = '', zone = ''] = match
  const wholeSeconds = Date.parse(`${day}T${time}${zone.toUpperCase()}`)
  if (Number.isNaN(wholeSeconds)) return null
  // Date.parse accepts 2026-02-31 as a day in March, so the day is checked separately.
  const daysInMonth = new Date(Date.parse(`${day.slice(0, 7)}-01T00:00:00Z`))
  daysInMonth.setUTCMonth(daysInMonth.getUTCMonth() + 1, 0)
  if (Number(day.slice(8)) > daysInMonth.getUTCDate()) return null
  return wholeSeconds * 1000 + Number(fraction.slice(0, 6).padEnd(6, '0'))
}

/** Returns milliseconds since 1970 UTC, rounded down; null when the text is no RFC 3339 time. */
export function parseMilliseconds(text: string): number | null {
  const microseconds = parseMicroseconds(text)
  return microseconds === null ? null : Math.floor(microseconds / 1000)
}

/** Formats with six fraction digits, as in Stream's samples. */
export function formatMicroseconds(microseconds: number): string {
  const milliseconds = Math.floor(microseconds / 1000)
  const rest = String(microseconds - milliseconds * 1000).padStart(3, '0')
  return new Date(milliseconds).toISOString().replace('Z', `${rest}Z`)
}

export function formatMilliseconds(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
