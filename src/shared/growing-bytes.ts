/** Bytes received in pieces, in one buffer. A list of pieces would keep an object for each, even for one byte. */
export interface GrowingBytes {
  append(piece: Uint8Array): void
  readonly length: () => number
  /** Size of the buffer: at most twice the length, or 1 KiB. */
  readonly allocated: () => number
  /** All bytes, not copied. */
  readonly view: () => Uint8Array<ArrayBuffer>
}

const MIN_ALLOCATED = 1024

/** @param expectedBytes the most that is expected: the buffer becomes larger only if it must */
export function createGrowingBytes(expectedBytes: number): GrowingBytes {
  let buffer = new Uint8Array()
  let length = 0

  function grow(needed: number): void {
    const doubled = Math.max(MIN_ALLOCATED, 2 * buffer.length)
    const grown = new Uint8Array(Math.max(needed, Math.min(doubled, expectedBytes)))
    grown.set(buffer.subarray(0, length))
    buffer = grown
  }

  return {
    append(piece) {
      const needed = length + piece.length
      if (needed > buffer.length) grow(needed)
      buffer.set(piece, length)
      length = needed
    },
    length: () => length,
    allocated: () => buffer.length,
    view: () => buffer.subarray(0, length),
  }
}
