/** An HTTP server with the responses that a test defines; it records requests. */
import { EventEmitter } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { listenInTest } from '../kit/listen.ts'

/** One received request. */
export interface ReceivedRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Writes the response to one request. */
export type ResponseHandler = (response: ServerResponse, request: ReceivedRequest) => void

/** Starts a server that closes when the running test finishes. */
export async function startStubStream(handler: ResponseHandler) {
  const requests: ReceivedRequest[] = []
  /** Emits `request` for each received request. */
  const arrivals = new EventEmitter()
  const server = createServer((request, response) => {
    async function respond() {
      const { method = '', url = '', headers } = request
      const received = { method, url, headers, body: await text(request) }
      requests.push(received)
      handler(response, received)
      arrivals.emit('request')
    }
    void respond()
  })
  const { origin, close } = await listenInTest(server)
  return { url: origin, requests, arrivals, close }
}

/** Responds with JSON. */
export function json(
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): ResponseHandler {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }
}

/** Responds with text. */
export function plainText(
  body: string,
  status: number,
  headers: Record<string, string> = {},
): ResponseHandler {
  return (response) => {
    response.writeHead(status, headers)
    response.end(body)
  }
}

/** Responds with Cloudflare's envelope of a success. */
export function success(result: unknown, more: Record<string, unknown> = {}): ResponseHandler {
  return json({ result, success: true, errors: [], messages: [], ...more })
}

/** Responds with Cloudflare's envelope of a failure. */
export function failure(
  status: number,
  errors: readonly unknown[],
  messages: readonly unknown[] = [],
  headers: Record<string, string> = {},
): ResponseHandler {
  return json({ result: null, success: false, errors, messages }, status, headers)
}

/** Responds with one byte every 10 ms, without end. */
export const slowBody: ResponseHandler = (response) => {
  response.writeHead(200)
  const interval = setInterval(() => response.write(' '), 10)
  response.on('close', () => clearInterval(interval))
}
