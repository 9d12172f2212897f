/** A node:http server that answers whatever a test wants Stream to answer, and remembers calls. */
import { EventEmitter } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** One request as it arrived. */
export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** How to answer; may be exchanged between calls. */
export type Answerer = (response: ServerResponse, request: SeenRequest) => void

/** Listens until the running test is finished. */
export async function startStubStream(answerer: Answerer) {
  const seen: SeenRequest[] = []
  /** Emits `request` for each one, so that a test can wait for it. */
  const arrivals = new EventEmitter()
  const server = createServer((request, response) => {
    async function answer() {
      const { method = '', url = '', headers } = request
      const received = { method, url, headers, body: await text(request) }
      seen.push(received)
      answerer(response, received)
      arrivals.emit('request')
    }
    void answer()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0

  async function close() {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  onTestFinished(close)
  return { url: `http://127.0.0.1:${port}`, seen, arrivals, close }
}

/** Answers with JSON. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Answerer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }
}

/** Answers with any text. */
export function plain(
  body: string,
  status: number,
  headers: Record<string, string> = {},
): Answerer {
  return (response) => {
    response.writeHead(status, headers)
    response.end(body)
  }
}

/** A success as Cloudflare wraps it. */
export function success(result: unknown, more: Record<string, unknown> = {}): Answerer {
  return json({ result, success: true, errors: [], messages: [], ...more })
}

/** A failure as Cloudflare wraps it. */
export function failure(
  status: number,
  errors: readonly unknown[],
  messages: readonly unknown[] = [],
  headers: Record<string, string> = {},
): Answerer {
  return json({ result: null, success: false, errors, messages }, status, headers)
}

/** Begins to answer and goes on, a byte at a time, for ever. */
export const dripping: Answerer = (response) => {
  response.writeHead(200)
  const drip = setInterval(() => response.write(' '), 10)
  response.on('close', () => clearInterval(drip))
}
