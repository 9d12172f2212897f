/** Concatenates arrays of bytes. */
export function joinBytes(arrays: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(arrays.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let end = 0
  for (const bytes of arrays) {
    joined.set(bytes, end)
    end += bytes.byteLength
  }
  return joined
}
