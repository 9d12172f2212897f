/** Arrays of bytes: concatenation, hex text and random identifiers. */

export function joinBytes(arrays: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(arrays.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let end = 0
  for (const bytes of arrays) {
    joined.set(bytes, end)
    end += bytes.byteLength
  }
  return joined
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/**
 * Returns 128 random bits in hex. `crypto.randomUUID` is not available in pages without TLS, and React Native has
 * no `crypto`: the result is unique there, but not secret.
 */
export function randomHex(): string {
  const bytes = new Uint8Array(16)
  const { crypto } = globalThis
  return toHex(crypto?.getRandomValues(bytes) ?? bytes.map(() => Math.random() * 256))
}
