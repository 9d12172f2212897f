/** Ends responses, also those that are sent while the client still sends its request body. */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Milliseconds in which a client must send a part of the rest of a body after its response. */
const REST_MS = 1000

/**
 * Ends the response with this body. If it is the last on its connection, ends it only when the request body
 * has been received: the connection closes after it, and a close while the client sends would reset the
 * connection and lose the response. The request body must be read by a listener.
 * https://www.rfc-editor.org/rfc/rfc9112#section-9.6
 */
export function endResponse(res: ServerResponse, body?: string | Uint8Array): void {
  const { req } = res
  if (res.shouldKeepAlive || req.complete || !hasBody(req)) {
    res.end(body)
    return
  }
  res.flushHeaders()
  if (body !== undefined) res.write(body)
  limitRest(req)
  onceEnded(req, () => void res.end())
}

/** Calls back when all of the body was received, at once if it was already. */
export function onceEnded(request: IncomingMessage, run: () => void): void {
  if (request.readableEnded) run()
  else request.once('end', run)
}

/**
 * Disconnects a client that pauses while it sends the rest of a body. Node's request timeout limits the
 * whole request.
 */
export function limitRest(request: IncomingMessage): void {
  const { bytesRead } = request.socket
  setTimeout(() => {
    if (request.complete) return
    if (request.socket.bytesRead === bytesRead) request.socket.destroy()
    else limitRest(request)
  }, REST_MS).unref()
}

export function hasBody({ headers }: IncomingMessage): boolean {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = headers
  return length !== '0' || coding !== undefined
}
