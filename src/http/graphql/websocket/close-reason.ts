/** Texts as reasons of closing a WebSocket. */

/** A control frame has 125 bytes, two of them for the code: https://www.rfc-editor.org/rfc/rfc6455#section-5.5 */
const MOST_BYTES = 123

/**
 * Returns as many whole characters of the text as a close frame has room for, well-formed. Both `ws`
 * and workerd throw at longer reasons, and what a client sent may stand in one.
 */
export function closeReason(text: string): string {
  const bytes = new Uint8Array(MOST_BYTES)
  const { written } = new TextEncoder().encodeInto(text, bytes)
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, written))
}
