/**
 * References of uploads, in the order of their making: what is made at the same time then stands side
 * by side in the database's indexes, and is written together. https://www.rfc-editor.org/rfc/rfc9562#section-5.7
 */

/** A UUID of version 7: milliseconds since 1970, and 74 random bits. */
export function timeOrderedId(now: Date): string {
  const time = now.getTime().toString(16).padStart(12, '0')
  // Of a random one everything but the time stays: its variant, and what makes it unique.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`
}
