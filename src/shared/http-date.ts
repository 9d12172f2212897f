/**
 * Parses an HTTP-date, as in Retry-After; null if the text is not one. It must start with the name of a
 * weekday: `Date.parse` alone would accept "-1" as a year. https://www.rfc-editor.org/rfc/rfc9110#http.date
 */
export function parseHttpDate(text: string): Date | null {
  const milliseconds = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(milliseconds) ? null : new Date(milliseconds)
}
