/** Responds to requests that no handler sees. */
import type { ServerResponse } from 'node:http'
import type { Connections } from './connections.ts'
import { endResponse } from './end-response.ts'
import { discardBody } from './request-bodies.ts'

export interface Rejection {
  readonly status: number
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Responds and closes the connection. A pipelined request gets no response. */
export function rejectRequest(
  response: ServerResponse,
  { status, text, headers = {} }: Rejection,
  { accept }: Pick<Connections, 'accept'>,
): void {
  // Connection errors are expected; without a listener they would end the process.
  response.on('error', () => {})
  discardBody(response.req)
  if (!accept(response)) return
  response.shouldKeepAlive = false
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers })
  endResponse(response, text)
}
