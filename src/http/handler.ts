/** `Handler`, and the responses that all handlers share. */
import { createGrowingBytes } from '../shared/growing-bytes.ts'

/** What the host knows about the sender of a request. */
export interface ClientInfo {
  /** The client's address, or null if unknown. For logs only: clients can forge it. */
  readonly address: string | null
  /**
   * Id in logs and in the response header, see middleware/request-id.ts. A host sets it only if a trusted
   * proxy has sent one; endpoints always receive it.
   */
  readonly requestId?: string | undefined
}

/** Responds to a web Request. */
export type Handler = (request: Request, client?: ClientInfo) => Promise<Response>

export const PLAIN_TEXT = 'text/plain; charset=utf-8'

/** Returns a plain-text response. */
export function textResponse(
  status: number,
  sentence: string,
  headers: HeadersInit = {},
): Response {
  return new Response(`${sentence}\n`, {
    status,
    headers: {
      'content-type': PLAIN_TEXT,
      ...Object.fromEntries(new Headers(headers)),
    },
  })
}

/** Returns 405 with the allowed methods. */
export function methodNotAllowed(allowed: readonly string[]): Response {
  const allow = allowed.join(', ')
  return textResponse(405, `Method not allowed. Allowed: ${allow}.`, { allow })
}

/** Reads the body completely; null if it is larger than the limit. */
export async function readBody(request: Request, limitBytes: number): Promise<Uint8Array | null> {
  const declared = Number(request.headers.get('content-length') ?? 0)
  if (declared > limitBytes) return null
  const received = createGrowingBytes(declared > 0 ? declared : limitBytes)
  const reader = request.body?.getReader()
  for (;;) {
    const read = await reader?.read()
    if (read?.value === undefined) return received.view()
    received.append(read.value)
    if (received.length() > limitBytes) {
      await reader?.cancel()
      return null
    }
  }
}
