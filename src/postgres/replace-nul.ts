/** Texts as PostgreSQL can keep them. */

/**
 * PostgreSQL keeps no NUL: it is replaced, in what is looked for as well, so that nothing that anybody
 * sends is an error. https://www.postgresql.org/docs/current/datatype-character.html
 */
export function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD')
}
