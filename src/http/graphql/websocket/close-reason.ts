/** Truncates the close reason of a WebSocket to the protocol's limit. */

/**
 * Maximum bytes of a close reason. A control frame has at most 125 bytes, and the close code takes two.
 * https://www.rfc-editor.org/rfc/rfc6455#section-5.5
 */
const MAX_BYTES = 123

/**
 * Returns the longest well-formed prefix of the text that fits a close frame. `ws` and workerd throw for
 * longer reasons, and a reason can contain client input.
 */
export function closeReason(text: string): string {
  const bytes = new Uint8Array(MAX_BYTES)
  const { written } = new TextEncoder().encodeInto(text, bytes)
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, written))
}
