/**
 * Upload ids that sort by creation time. Rows created together are adjacent in the database's indexes and
 * written together. https://www.rfc-editor.org/rfc/rfc9562#section-5.7
 */

/** Returns a UUID version 7: Unix time in milliseconds and 74 random bits. */
export function uuidV7(now: Date): string {
  const time = now.getTime().toString(16).padStart(12, '0')
  // The variant and the random bits come from a UUID version 4.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`
}
