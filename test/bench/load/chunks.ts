/** Where an answer in chunks ends. https://www.rfc-editor.org/rfc/rfc9112#section-7.1 */

export interface ChunkReader {
  /** Reads on, from one place in the buffer to another; true once the last chunk has been read whole. */
  read(buffer: Buffer, from: number, to: number): boolean
}

const NEWLINE = 0x0a
/** Behind the data of each chunk. */
const CRLF_BYTES = 2

/** For one answer. The data is passed over: only the lines between are looked at. */
export function createChunkReader(): ChunkReader {
  /** The beginning of a line that did not come whole. */
  let line = ''
  let bytesToPass = 0
  /** Behind the last chunk, up to an empty line. */
  let isTrailer = false

  /** Returns whether it was the last. */
  function readLine(text: string): boolean {
    if (isTrailer) return text === ''
    const size = Number.parseInt(text, 16)
    if (Number.isNaN(size)) throw new Error(`An answer has a chunk of "${text}" bytes.`)
    if (size === 0) isTrailer = true
    else bytesToPass = size + CRLF_BYTES
    return false
  }

  return {
    read(buffer, from, to) {
      let at = from
      while (at < to) {
        const passed = Math.min(bytesToPass, to - at)
        bytesToPass -= passed
        at += passed
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
