/** WebSockets on Node's HTTP server: the upgrade, checked, and handed on. */
import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { carrySocket } from './carry-socket.ts'
import type { Gateway } from '../gateway.ts'
import { GRAPHQL_PATH, MAX_REQUEST_BYTES } from '../http/graphql-address.ts'
import { createGuard } from '../http/guard-listener.ts'
import type { Log } from '../uploads/parts.ts'

/** "Service Restart": clients come back, and watch on. https://www.iana.org/assignments/websocket */
const SERVICE_RESTART = 1012

/**
 * Takes upgrades on /graphql. A browser says where its page comes from; only the listed origins are
 * let in, since no preflight protects a socket. Clients that are no browsers say nothing.
 */
export function listenForSockets(
  server: Server,
  { sockets: door, lane, allowedOrigins }: Pick<Gateway, 'sockets' | 'lane' | 'allowedOrigins'>,
  log: Log,
): { close(graceMs: number): Promise<void> } {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_REQUEST_BYTES,
    handleProtocols: (protocols) =>
      protocols.has('graphql-transport-ws') ? 'graphql-transport-ws' : false,
  })
  /** What resolves once nothing of a socket is under way that must not be lost. */
  const leavings = new WeakMap<WebSocket, () => Promise<void>>()

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const end = (): void => void socket.destroy()
    socket.on('error', end)
    createGuard(log, end)(accept)(request, socket, head)
  }

  function accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { origin } = request.headers
    // Compared as text: what comes here may be no address at all.
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      answerWithoutUpgrade(server, request, socket)
    } else if (request.url?.split('?', 1)[0] !== GRAPHQL_PATH) {
      refuse(socket, '404 Not Found')
    } else if (origin !== undefined && !allowedOrigins.has(origin)) {
      refuse(socket, '403 Forbidden')
    } else {
      sockets.handleUpgrade(request, socket, head, (opened) => {
        leavings.set(opened, carrySocket({ door, lane, log }, opened))
      })
    }
  }
  server.on('upgrade', upgrade)

  /** A mutation that is lost would be sent again by clients, and be done twice. */
  async function tellToComeBack(socket: WebSocket): Promise<void> {
    await leavings.get(socket)?.()
    socket.close(SERVICE_RESTART, 'The gateway restarts: come back.')
  }

  return {
    async close(graceMs) {
      server.off('upgrade', upgrade)
      for (const socket of sockets.clients) void tellToComeBack(socket)
      const closed = new Promise((resolve) => sockets.close(resolve))
      const deadline = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate()
      }, graceMs)
      await closed
      clearTimeout(deadline)
    },
  }
}

/**
 * "A server MAY ignore a received Upgrade header field": clients offer h2c where nobody speaks it.
 * https://www.rfc-editor.org/rfc/rfc9110#section-7.8
 */
function answerWithoutUpgrade(server: Server, request: IncomingMessage, socket: Duplex): void {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers
  if (!(socket instanceof Socket) || length !== '0' || coding !== undefined) {
    // Its body would be read as another protocol's.
    refuse(socket, '400 Bad Request')
    return
  }
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  response.once('finish', () => socket.end(() => socket.destroy()))
  server.emit('request', request, response)
}

function refuse(socket: Duplex, status: string): void {
  // Nobody else looks after it any more: a client that stays would keep it open for ever.
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
}
