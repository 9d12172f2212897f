/** Writes the answers of the fast lanes, whose headers are prepared lists. */
import type { ServerResponse } from 'node:http'
import type { Log } from '../uploads/parts.ts'

/** What is to be written. */
export interface PreparedAnswer {
  readonly status: number
  /** Names and values in turn; one list for many answers. */
  readonly headers: readonly string[]
  readonly text: string
}

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

/** For a failure of ours on the way; cuts the answer short where it has begun. */
export function apologise(res: ServerResponse, log: Log, error: unknown, requestId: string): void {
  log.error({ requestId, err: error }, 'unexpected error')
  if (res.headersSent) res.destroy()
  else {
    res.writeHead(500, {
      'content-type': 'text/plain; charset=utf-8',
      'x-request-id': requestId,
    })
    res.end(`Unexpected error. Ask for it by this id: ${requestId}\n`)
  }
}
