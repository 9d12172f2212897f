/** What a face answers, as a value: so that a fault can hold it back or cut the line instead. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Null sends no body; a stream is read only when there is somebody to read it to. */
  readonly body: string | (() => Readable) | null
}

/** An answer, or null: cut the connection without one. */
export type AnswerOrCut = Answer | null

export function answer(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: Answer['body'] = null,
): Answer {
  return { status, headers, body }
}

export function sentence(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return answer(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }, `${text}\n`)
}

export function json(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return answer(
    status,
    { 'content-type': 'application/json; charset=utf-8', ...headers },
    JSON.stringify(value),
  )
}

/**
 * Writes the answer. A request body that nobody read is let run out first-come: closing under a
 * client that still sends would lose it the answer (a browser then shows a network error).
 */
export async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  given: AnswerOrCut,
): Promise<void> {
  if (given === null) {
    request.socket.destroy()
    return
  }
  if (response.destroyed || response.headersSent) return
  if (!request.complete) request.resume()
  const headers = { ...given.headers }
  if (typeof given.body === 'string') {
    headers['content-length'] = String(Buffer.byteLength(given.body))
  } else if (given.body === null && given.status !== 204 && !('content-length' in headers)) {
    headers['content-length'] = '0'
  }
  response.writeHead(given.status, headers)
  if (request.method === 'HEAD' || given.body === null) response.end()
  else if (typeof given.body === 'string') response.end(given.body)
  else await pipeline(given.body(), response)
}
