/** Immutable static files: clients cache them for a year, and all responses share one buffer. */
import { preferredCoding } from '../header-lists.ts'
import { type Handler, methodNotAllowed } from '../handler.ts'

/** https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1 */
export type ContentCoding = 'br' | 'gzip' | 'identity'

export interface StaticFile {
  /** File name with a content hash, such as `index-1a2b3c.js`. The extension determines the media type. */
  readonly name: string
  /** Available codings besides `identity`, best first. */
  readonly codings: readonly ContentCoding[]
  /** Returns the same buffer each time. */
  read(coding: ContentCoding): Promise<Uint8Array<ArrayBuffer>>
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  ico: 'image/x-icon',
  js: 'text/javascript; charset=utf-8',
  png: 'image/png',
  svg: 'image/svg+xml',
}
const METHODS = ['GET', 'HEAD']

/** Serves files that `find` returns; if it returns null, the request goes to `next`. */
export function withStaticFiles(
  find: (path: string) => Promise<StaticFile | null>,
  next: Handler,
): Handler {
  return async (request, client) => {
    const path = URL.canParse(request.url) ? new URL(request.url).pathname : ''
    const file = await find(path)
    if (file === null) return next(request, client)
    return METHODS.includes(request.method) ? respond(request, file) : methodNotAllowed(METHODS)
  }
}

async function respond({ method, headers }: Request, file: StaticFile): Promise<Response> {
  const coding = preferredCoding(headers.get('accept-encoding'), file.codings)
  const bytes = await file.read(coding)
  return new Response(method === 'HEAD' ? null : streamOf(bytes), {
    headers: {
      'content-type': mediaTypeOf(file.name),
      'content-length': String(bytes.byteLength),
      ...(coding === 'identity' ? {} : { 'content-encoding': coding }),
      ...(file.codings.length === 0 ? {} : { vary: 'Accept-Encoding' }),
      'cache-control': 'public, max-age=31536000, immutable',
    },
  })
}

/** Bytes of one slice: what a client that does not read occupies. */
const SLICE_BYTES = 64 * 1024

/**
 * A stream avoids a copy: a Response copies a byte array that it is created from. The host reads the next
 * slice when the client has read the one before.
 */
function streamOf(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let position = 0
  return new ReadableStream(
    {
      pull(controller) {
        controller.enqueue(bytes.subarray(position, position + SLICE_BYTES))
        position += SLICE_BYTES
        if (position >= bytes.byteLength) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

/** Returns the media type by the extension of the name. */
export function mediaTypeOf(name: string): string {
  const extension = /\.([a-z\d]+)$/.exec(name)?.[1] ?? ''
  return MEDIA_TYPES[extension] ?? 'application/octet-stream'
}
