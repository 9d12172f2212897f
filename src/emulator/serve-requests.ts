/** Serves the requests of the emulator's HTTP server, in the turns of their clients. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

import { ApiError, errorResponse } from './api-error.ts'
import { hasTooManyHeaders, onConnection } from './counted-request.ts'
import type { EmulatorDependencies } from './dependencies.ts'
import {
  textResponse,
  writeResponse,
  type HttpResponse,
  type ResponseOrDisconnect,
} from './http-response.ts'
import { MAX_HEADERS } from './limits.ts'
import { route } from './router.ts'
import { storageErrorResponse } from './storage-errors.ts'
import { withTusVersion } from './tus-request.ts'

/** Starts handling requests. Returns the set of running requests. */
export function serveRequests(
  server: Server,
  dependencies: EmulatorDependencies,
  idleTimeoutMs: number,
): ReadonlySet<Promise<void>> {
  const running = new Set<Promise<void>>()
  const { closing, connections, turns } = dependencies
  onConnection(server, (socket) => connections.open(socket))
  // Without a handler, an error of the listening socket would end the process.
  server.on('error', dependencies.onError)
  const serveRequest = (request: IncomingMessage, response: ServerResponse) => {
    // Broken connections are ignored; without handlers they would end the process.
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    if (!connections.accept(response)) return
    // Replaces Node's request timeout, which is off, and covers responses. A response that the
    // emulator itself delays has sent no headers yet.
    response.setTimeout(idleTimeoutMs, () => {
      if (!request.complete || response.headersSent) request.socket.destroy()
    })
    const work = turns
      .next(connections.clientOf(request.socket))
      .then(() => {
        // The client may have left while its request waited.
        if (closing.aborted || request.socket.destroyed) return undefined
        return handleRequest(dependencies, request, response)
      })
      .catch((error: unknown) => {
        dependencies.onError(error)
        response.destroy()
      })
      .finally(() => {
        running.delete(work)
      })
    running.add(work)
  }
  server.on('request', serveRequest)
  // Unknown expectations are ignored. Node itself would respond and close the connection while the client sends.
  server.on('checkExpectation', serveRequest)
  return running
}

async function handleRequest(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { connections, turns } = dependencies
  const result = rejectHeaders(request, response) ?? (await routeSafely(dependencies, request))
  await writeResponse(request, response, withTusVersion(request, result), () =>
    turns.next(connections.clientOf(request.socket)),
  ).catch(() => response.destroy())
}

/** Returns the response to a request with too many headers or without a Host header; else null. */
function rejectHeaders(request: IncomingMessage, response: ServerResponse): HttpResponse | null {
  const { headers, httpVersion } = request
  if (hasTooManyHeaders(request)) {
    // What its body is, for example, may be in a header that is not shown.
    response.shouldKeepAlive = false
    return textResponse(431, `Too many headers (limit: ${MAX_HEADERS}).`)
  }
  // https://www.rfc-editor.org/rfc/rfc9112#section-3.2-6
  if (headers.host === undefined && httpVersion !== '1.0') {
    return textResponse(400, 'The Host header is missing.')
  }
  return null
}

/** Responds 500 to thrown errors and rejections; disconnects while the emulator closes. */
async function routeSafely(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
): Promise<ResponseOrDisconnect> {
  try {
    return await route(dependencies, request)
  } catch (error) {
    if (dependencies.closing.aborted) return null
    dependencies.onError(error)
    const temporary = storageErrorResponse(error)
    if (temporary !== null) return temporary
    return errorResponse(new ApiError(500, 10_001, 'Internal error of the emulator'))
  }
}
