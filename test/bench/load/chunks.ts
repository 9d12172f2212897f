/** Finds the end of a chunked response body. https://www.rfc-editor.org/rfc/rfc9112#section-7.1 */

export interface ChunkReader {
  /** Reads `buffer` from `from` to `to`; returns true at the end of the last chunk. */
  read(buffer: Buffer, from: number, to: number): boolean
}

const NEWLINE = 0x0a
/** Follows the data of each chunk. */
const CRLF_BYTES = 2

/** A reader for one response, which skips the data and parses only the chunk-size lines. */
export function createChunkReader(): ChunkReader {
  /** The beginning of an incomplete line. */
  let line = ''
  let bytesToSkip = 0
  /** In the trailer section after the last chunk, which ends with an empty line. */
  let isTrailer = false

  /** Returns true for the last line. */
  function readLine(text: string): boolean {
    if (isTrailer) return text === ''
    const size = Number.parseInt(text, 16)
    if (Number.isNaN(size)) throw new Error(`Invalid chunk size "${text}".`)
    if (size === 0) isTrailer = true
    else bytesToSkip = size + CRLF_BYTES
    return false
  }

  return {
    read(buffer, from, to) {
      let at = from
      while (at < to) {
        const skipped = Math.min(bytesToSkip, to - at)
        bytesToSkip -= skipped
        at += skipped
        if (at === to) return false
        const found = buffer.subarray(at, to).indexOf(NEWLINE)
        const end = found === -1 ? to : at + found
        line += buffer.toString('latin1', at, end)
        if (found === -1) return false
        at = end + 1
        const text = line.trimEnd()
        line = ''
        if (readLine(text)) return true
      }
      return false
    },
  }
}
