/** HTTP responses as values, so that a fault can delay or replace them by a disconnect. */
import { createReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'

import { MAX_DISCARDED_BYTES, MAX_DISCARD_MS } from './limits.ts'

export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Null sends no body. A file is opened only when a body is sent, so not for HEAD. */
  readonly body: string | FilePart | null
}

/** A file, or the part of it that a URL stands for. */
export interface FilePart {
  readonly path: string
  /** Position of the first byte in the file. */
  readonly offset: number
  readonly size: number
}

/** A response, or null: disconnect without one. */
export type ResponseOrDisconnect = HttpResponse | null

export function httpResponse(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: HttpResponse['body'] = null,
): HttpResponse {
  return { status, headers, body }
}

export function textResponse(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  return httpResponse(
    status,
    { 'content-type': 'text/plain; charset=utf-8', ...headers },
    `${text}\n`,
  )
}

export function jsonResponse(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  return httpResponse(
    status,
    { 'content-type': 'application/json; charset=utf-8', ...headers },
    JSON.stringify(value),
  )
}

/**
 * Writes the response, or disconnects for null. Discards an unread request body up to a limit. If the
 * connection closes after the response, it closes only when the body has been received: closing while
 * the client still sends would reset the connection and lose the response.
 * https://www.rfc-editor.org/rfc/rfc9112#section-9.6
 * @param nextTurn resolves when the next piece of the unread body may be read
 */
export async function writeResponse(
  request: IncomingMessage,
  response: ServerResponse,
  result: ResponseOrDisconnect,
  nextTurn: () => Promise<void>,
): Promise<void> {
  if (result === null) {
    request.socket.destroy()
    return
  }
  if (request.socket.destroyed || response.headersSent) return
  const received = request.complete ? null : discardBody(request, nextTurn)
  const headers = { ...result.headers }
  if (typeof result.body === 'string') {
    headers['content-length'] = String(Buffer.byteLength(result.body))
  } else if (result.body === null && !isBodiless(result.status) && !('content-length' in headers)) {
    headers['content-length'] = '0'
  }
  response.writeHead(result.status, headers)
  const isClosing = received !== null && !response.shouldKeepAlive
  if (isClosing) response.flushHeaders()
  if (request.method === 'HEAD' || result.body === null) {
    if (!isClosing) response.end()
  } else if (typeof result.body === 'string') {
    if (isClosing) response.write(result.body)
    else response.end(result.body)
  } else {
    await sendFile(result.body, response, !isClosing)
  }
  if (!isClosing) return
  await received
  response.end()
}

/** Whether responses of this status have no body, and therefore no length. */
function isBodiless(status: number): boolean {
  return status === 204 || status === 304
}

/**
 * Closes the file when the connection closes: a response emits `close` only while it is the first on it. Disconnects
 * if the file is removed while it is read: the client would wait for the rest.
 */
async function sendFile(
  { path, offset, size }: FilePart,
  response: ServerResponse,
  end: boolean,
): Promise<void> {
  const { socket } = response.req
  // With `end`, the stream ends at its last byte, without a read of nothing after it. The client may send
  // its next request as soon as it has that byte, and the response must have ended by then.
  const file = createReadStream(path, { start: offset, end: offset + Math.max(0, size - 1) })
  const closed = new AbortController()
  const abort = () => closed.abort()
  socket.once('close', abort)
  try {
    await pipeline(file, response, { signal: closed.signal, end })
    if (file.bytesRead < size) socket.destroy()
  } finally {
    socket.off('close', abort)
  }
}

/**
 * Reads the rest of the body, one piece per turn; disconnects a client that sends more than the limit, or takes longer.
 * Resolves when the whole body was received or the connection closed.
 */
function discardBody(request: IncomingMessage, nextTurn: () => Promise<void>): Promise<void> {
  // Reads what has been received, and thereby tells Node that the body is read here: after the response it would
  // discard the rest by itself, without a limit.
  const received: unknown = request.read()
  let bytes = Buffer.isBuffer(received) ? received.byteLength : 0
  const disconnect = () => void request.socket.destroy()
  const deadline = setTimeout(disconnect, MAX_DISCARD_MS).unref()
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength
    if (bytes > MAX_DISCARDED_BYTES) {
      disconnect()
      return
    }
    request.pause()
    void nextTurn().then(() => request.resume())
  })
  request.resume()
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(deadline)
      resolve()
    }
    request.once('end', finish).once('close', finish)
  })
}
