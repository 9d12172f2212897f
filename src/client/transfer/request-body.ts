/** Bodies of requests to an upload URL: bytes of a file, or a form with the file. */
import { MIN_CHUNK_BYTES } from '../limits.ts'
import { joinBytes, randomHex } from '../bytes.ts'
import { type FileBytes, type SourceFile, fileChanged } from '../sources/source-file.ts'

/** A form with one file. */
export interface FileForm {
  readonly field: string
  readonly file: SourceFile
}

/** A form as `multipart/form-data`: the file has `head` before it and `tail` after it. */
interface Multipart {
  readonly head: string
  readonly tail: string
  readonly headers: Readonly<Record<string, string>>
}

/** Bytes of one piece of a streamed body: small, so that the progress shows early if the connection stalls. */
const PIECE_BYTES = 65_536
const encoder = new TextEncoder()

/** https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data */
function multipartOf({ field, file }: FileForm): Multipart {
  const boundary = `headgate-${randomHex()}`
  const head = [
    `--${boundary}`,
    `Content-Disposition: form-data; name="${escape(field)}"; filename="${escape(file.name ?? 'video')}"`,
    `Content-Type: ${file.type || 'application/octet-stream'}`,
  ]
  return {
    head: `${head.join('\r\n')}\r\n\r\n`,
    tail: `\r\n--${boundary}--\r\n`,
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  }
}

function escape(name: string): string {
  return name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

/** A body that is streamed, for `fetch`. */
export interface StreamedBody {
  readonly bytes: number
  readonly headers: Readonly<Record<string, string>>
  readonly pieces: AsyncGenerator<Uint8Array, void>
}

/** Reads the file while it is sent, at most one range of 5 MiB ahead. */
export function streamedBody(body: FileBytes | FileForm, signal: AbortSignal): StreamedBody {
  if (!('file' in body))
    return {
      bytes: body instanceof Uint8Array ? body.byteLength : body.size,
      headers: {},
      pieces: piecesOf(body),
    }
  const { file } = body
  const { headers, ...ends } = multipartOf(body)
  const [head, tail] = [encoder.encode(ends.head), encoder.encode(ends.tail)]
  async function* pieces(): AsyncGenerator<Uint8Array, void> {
    yield head
    for await (const range of rangesOf(file, signal)) yield* piecesOf(range)
    yield tail
  }
  return { bytes: head.byteLength + file.size + tail.byteLength, headers, pieces: pieces() }
}

/** A body that the platform sends, for XMLHttpRequest. */
export interface WholeBody {
  readonly body: FileBytes | FormData
  readonly headers: Readonly<Record<string, string>>
}

/** A file that is no Blob is read completely, except for a file that React Native reads itself. */
export async function wholeBody(
  body: FileBytes | FileForm,
  signal: AbortSignal,
): Promise<WholeBody> {
  if (!('file' in body)) return { body, headers: {} }
  const { file, field } = body
  if (file.nativePart !== null) {
    const form = new FormData()
    // React Native takes more than the types of the web: https://reactnative.dev/docs/network
    const append: unknown = Reflect.get(form, 'append')
    if (typeof append === 'function') Reflect.apply(append, form, [field, file.nativePart])
    return { body: form, headers: {} }
  }
  const { head, tail, headers } = multipartOf(body)
  const whole = await file.read(0, file.size, signal)
  return {
    // Blobs of React Native consist of Blobs and strings.
    body:
      whole instanceof Uint8Array
        ? joinBytes([encoder.encode(head), whole, encoder.encode(tail)])
        : new Blob([head, whole, tail]),
    headers,
  }
}

async function* rangesOf(file: SourceFile, signal: AbortSignal): AsyncGenerator<FileBytes, void> {
  for (let start = 0; start < file.size; start += MIN_CHUNK_BYTES) {
    yield await file.read(start, Math.min(start + MIN_CHUNK_BYTES, file.size), signal)
  }
}

async function* piecesOf(bytes: FileBytes): AsyncGenerator<Uint8Array, void> {
  if (bytes instanceof Uint8Array) {
    for (let start = 0; start < bytes.byteLength; start += PIECE_BYTES) {
      yield bytes.subarray(start, start + PIECE_BYTES)
    }
    return
  }
  const reader = bytes.stream().getReader()
  try {
    for (;;) {
      const { value } = await reader.read()
      if (value === undefined) return
      // A Blob in memory has pieces of any size.
      yield* piecesOf(value)
    }
  } catch {
    throw fileChanged()
  } finally {
    reader.cancel().catch(() => {})
  }
}
