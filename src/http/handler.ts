/** What a door of the gateway is, and the answers that all doors give alike. */

/** Where a request came from, as far as the host knows. */
export interface Visitor {
  /** The client's address; null where it is not known. For the log only: it proves nothing. */
  readonly address: string | null
  /**
   * Names the request in the log and in its answer: see request-id.ts. To the doors it is always
   * given; a host leaves it out, unless a proxy that it trusts has named the request.
   */
  readonly requestId?: string | undefined
}

/** Answers the requests to its path. */
export type Door = (request: Request, visitor?: Visitor) => Promise<Response>

/** The media type of sentences. */
export const PLAIN_TEXT = 'text/plain; charset=utf-8'

/** A sentence as plain text. */
export function say(status: number, sentence: string, headers: HeadersInit = {}): Response {
  return new Response(`${sentence}\n`, {
    status,
    headers: {
      'content-type': PLAIN_TEXT,
      ...Object.fromEntries(new Headers(headers)),
    },
  })
}

/** 405 with the methods that the door takes. */
export function methodNotAllowed(allowed: readonly string[]): Response {
  const allow = allowed.join(', ')
  return say(405, `This door takes ${allow}.`, { allow })
}

/** The body's bytes; null where there are more than the limit. */
export async function readBody(request: Request, limitBytes: number): Promise<Uint8Array | null> {
  const declared = Number(request.headers.get('content-length') ?? 0)
  if (declared > limitBytes) return null
  const chunks: Uint8Array[] = []
  let size = 0
  const reader = request.body?.getReader()
  for (;;) {
    const read = await reader?.read()
    if (read?.value === undefined) break
    size += read.value.byteLength
    if (size > limitBytes) {
      await reader?.cancel()
      return null
    }
    chunks.push(read.value)
  }
  const body = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    body.set(chunk, offset)
    offset += chunk.byteLength
  }
  return body
}
