/** Parses any number of HTTP responses from the bytes of a connection. */

/** One HTTP response. */
export interface HttpResponse {
  readonly status: number
  readonly head: string
  readonly body: string
  /** Whether the response is a stream: SSE or multipart/mixed. */
  readonly isStream: boolean
  /** Whether no further response follows on this connection. */
  readonly closes: boolean
}

export interface ResponseReader {
  /** Complete responses; of a stream, its first bytes. */
  readonly responses: readonly HttpResponse[]
  read(chunk: Buffer): void
  /** Call when the connection is closed: it ends a response without a length. */
  end(): void
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')

/** `isHead`: the request was HEAD, so the response has no body, regardless of Content-Length. */
export function createResponseReader({ isHead }: { readonly isHead: boolean }): ResponseReader {
  const responses: HttpResponse[] = []
  let bytes: Buffer = Buffer.alloc(0)

  function readNext(closed: boolean): boolean {
    const headEnd = bytes.indexOf(HEAD_END)
    if (headEnd === -1) return false
    const head = bytes.toString('latin1', 0, headEnd)
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0)
    const start = headEnd + HEAD_END.length
    if (status >= 100 && status < 200 && status !== 101) {
      bytes = bytes.subarray(start)
      return true
    }
    const isStream = /^content-type: (?:text\/event-stream|multipart\/mixed)/im.test(head)
    const body = isStream ? rest(start) : readBody(head, status, start, closed)
    if (body === null) return false
    responses.push({
      status,
      head,
      body: body.text,
      isStream,
      closes: isStream || status === 101 || /^connection: close/im.test(head),
    })
    bytes = bytes.subarray(body.end)
    return !isStream
  }

  function rest(start: number): { text: string; end: number } {
    return { text: bytes.toString('utf8', start), end: bytes.length }
  }

  function readBody(
    head: string,
    status: number,
    start: number,
    closed: boolean,
  ): { text: string; end: number } | null {
    if (isHead || status === 101 || status === 204 || status === 304)
      return { text: '', end: start }
    if (/^transfer-encoding: .*chunked/im.test(head)) return readChunks(start)
    const [, length] = /^content-length: (\d+)/im.exec(head) ?? []
    if (length === undefined) return closed ? rest(start) : null
    const end = start + Number(length)
    if (bytes.length < end) return null
    return { text: bytes.toString('utf8', start, end), end }
  }

  function readChunks(start: number): { text: string; end: number } | null {
    const chunks: Buffer[] = []
    let offset = start
    for (;;) {
      const lineEnd = bytes.indexOf(LINE_END, offset)
      if (lineEnd === -1) return null
      const size = Number.parseInt(bytes.toString('latin1', offset, lineEnd), 16)
      const from = lineEnd + LINE_END.length
      const next = from + size + LINE_END.length
      if (bytes.length < next) return null
      if (size === 0) return { text: Buffer.concat(chunks).toString('utf8'), end: next }
      chunks.push(bytes.subarray(from, from + size))
      offset = next
    }
  }

  return {
    responses,
    read(chunk) {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
      while (readNext(false));
    },
    end() {
      while (readNext(true));
    },
  }
}
