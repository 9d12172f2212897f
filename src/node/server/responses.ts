/** Writes the answers of the fast lanes, whose headers are prepared lists. */
import type { ServerResponse } from 'node:http'
import type { PreparedAnswer } from '../../http/raw-response.ts'

/** Header lists with room at their end for what each answer has of its own, by those they were made of. */
const withOwn = new WeakMap<readonly string[], string[]>()

export function sendAnswer(
  res: ServerResponse,
  { status, headers, text }: PreparedAnswer,
  requestId: string,
): void {
  const list = withOwn.get(headers) ?? [...headers, 'x-request-id', '', 'content-length', '']
  withOwn.set(headers, list)
  list[list.length - 3] = requestId
  list[list.length - 1] = String(Buffer.byteLength(text))
  // Node reads the list at once.
  res.writeHead(status, list).end(text)
}
