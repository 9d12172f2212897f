/** Finds the field `file` in a multipart form that is received in chunks. https://www.rfc-editor.org/rfc/rfc7578 */
import { MAX_BOUNDARY_CHARACTERS, MAX_PART_HEADER_BYTES, MAX_FORM_FIELDS } from '../limits.ts'

const CARRIAGE_RETURN = 13
const BLANK_LINE = '\r\n\r\n'
const NO_BYTES = Buffer.alloc(0)

/** One parameter of a header field, with a quoted or unquoted value. Each match starts where the last one ended. */
const PARAM = /;\s*([^\s=;]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^;\s]*))[^;]*/gy

/**
 * Buffer.indexOf finds the delimiters, so that bytes that resemble them cost no more than others. Each part
 * costs time whatever its size, so that a form has a maximum number of them.
 */
export class FilePartScanner {
  readonly #delimiter: Buffer
  /** Received bytes that depend on the next chunk. The first delimiter may have no line break before it. */
  #pending: Buffer = Buffer.from('\r\n')
  /** `other`: the preamble, or the body of another part. `closed`: after the last delimiter. */
  #state: 'other' | 'headers' | 'file' | 'closed' | 'broken' = 'other'
  #fields = 0
  #hasFile = false

  private constructor(boundary: string) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  }

  /** Returns null when the type is no multipart form with a valid boundary. */
  static create(contentType: string): FilePartScanner | null {
    const boundary = readParam(contentType, 'multipart/form-data', 'boundary') ?? ''
    const isValid = boundary.length > 0 && boundary.length <= MAX_BOUNDARY_CHARACTERS
    return isValid ? new FilePartScanner(boundary) : null
  }

  /** Whether the form is malformed, or has too many fields or too long headers. */
  get isBroken(): boolean {
    return this.#state === 'broken'
  }

  /** Whether the last delimiter was received. */
  get isComplete(): boolean {
    return this.#state === 'closed'
  }

  get hasFile(): boolean {
    return this.#hasFile
  }

  /** Returns the bytes of the file that the chunk completes. All of them must be read. */
  *push(chunk: Buffer): Generator<Buffer, void> {
    let bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    this.#pending = NO_BYTES
    while (this.#state !== 'closed' && this.#state !== 'broken') {
      if (this.#state === 'headers') {
        const read = this.#readHeaders(bytes)
        if (read === null) return
        bytes = bytes.subarray(read)
      } else {
        const found = bytes.indexOf(this.#delimiter)
        const end = found === -1 ? startOfPartialMatch(bytes, this.#delimiter) : found
        if (this.#state === 'file' && end > 0) yield bytes.subarray(0, end)
        if (found === -1) {
          this.#pending = bytes.subarray(end)
          return
        }
        bytes = bytes.subarray(found + this.#delimiter.length)
        this.#state = 'headers'
      }
    }
  }

  /** @returns number of bytes read; null when the next chunk is needed, or the form has ended */
  #readHeaders(bytes: Buffer): number | null {
    if (bytes.toString('latin1', 0, 2) === '--') {
      this.#state = 'closed'
      return null
    }
    const end = bytes.indexOf(BLANK_LINE)
    if ((end === -1 ? bytes.length - BLANK_LINE.length + 1 : end) > MAX_PART_HEADER_BYTES) {
      this.#state = 'broken'
      return null
    }
    // The last line break of the headers belongs to the next delimiter when the part has no body.
    const next = end + 2
    if (end === -1 || bytes.length < next + this.#delimiter.length) {
      this.#pending = bytes
      return null
    }
    this.#fields += 1
    if (this.#fields > MAX_FORM_FIELDS) {
      this.#state = 'broken'
      return null
    }
    const isFile = !this.#hasFile && isFileField(bytes.toString('latin1', 0, end))
    if (isFile) this.#hasFile = true
    this.#state = isFile ? 'file' : 'other'
    const hasBody = !bytes.subarray(next, next + this.#delimiter.length).equals(this.#delimiter)
    return hasBody ? end + BLANK_LINE.length : next
  }
}

/** Returns the position of the last bytes, if they may be the start of a delimiter; otherwise the length. */
function startOfPartialMatch(bytes: Buffer, delimiter: Buffer): number {
  const tail = bytes.subarray(Math.max(0, bytes.length - delimiter.length + 1))
  // A delimiter has one carriage return: its first byte.
  const at = tail.lastIndexOf(CARRIAGE_RETURN)
  if (at === -1) return bytes.length
  const isPartial = tail.subarray(at).equals(delimiter.subarray(0, tail.length - at))
  return isPartial ? bytes.length - tail.length + at : bytes.length
}

function isFileField(headers: string): boolean {
  const unfolded = headers.replaceAll(/\r\n[ \t]+/g, ' ')
  const disposition = /^content-disposition:(.*)$/im.exec(unfolded)?.[1] ?? ''
  return readParam(disposition, 'form-data', 'name') === 'file'
}

/** Returns null when the header field has another type, or no such parameter. */
function readParam(field: string, type: string, name: string): string | null {
  const [first = ''] = field.split(';', 1)
  if (first.trim().toLowerCase() !== type) return null
  for (const [, key, quoted, plain] of field.slice(first.length).matchAll(PARAM)) {
    if (key?.toLowerCase() === name) return quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? null
  }
  return null
}
