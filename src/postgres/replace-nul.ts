/** Replaces NUL characters, which PostgreSQL cannot store. */

/**
 * Returns the text with U+FFFD for NUL. Applied to stored values and to search values, so that no client
 * input causes an error. https://www.postgresql.org/docs/current/datatype-character.html
 */
export function replaceNul(text: string): string {
  return text.replaceAll('\0', '\uFFFD')
}
