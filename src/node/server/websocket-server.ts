/** WebSockets on Node's HTTP server: the upgrade, checked, and handed on. */
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { carrySocket } from './websocket-connection.ts'
import type { Gateway } from '../../http/gateway.ts'
import { GRAPHQL_PATH, MAX_REQUEST_BYTES } from '../../http/graphql/endpoint.ts'
import { createGuard } from '../../shared/guard-listener.ts'
import type { Log } from '../../uploads/dependencies.ts'

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
  isBusy: (socket: Socket) => boolean,
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
    if (isBusy(request.socket)) {
      // Pipelined: the response in progress would be written between the frames of a WebSocket.
      socket.destroy()
      return
    }
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      ignoreUpgrade(server, request, socket, head)
      return
    }
    const end = (): void => void socket.destroy()
    socket.on('error', end)
    createGuard(log, end)(accept)(request, socket, head)
  }

  function accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { origin } = request.headers
    // Compared as text: what comes here may be no address at all.
    if (request.url?.split('?', 1)[0] !== GRAPHQL_PATH) {
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

/** Headers that are about the connection, and not about the request. */
const OF_CONNECTION = /^(?:connection|upgrade|http2-settings)$/i

/**
 * "A server MAY ignore a received Upgrade header field": clients offer h2c to servers that do not speak
 * it. Node's parser has stopped behind the head by then; so the connection is given to the server again,
 * with a head that offers nothing and that ends the connection: with each such request Node leaves
 * listeners on it. https://www.rfc-editor.org/rfc/rfc9110#section-7.8
 */
function ignoreUpgrade(
  server: Server,
  { method, url, httpVersion, rawHeaders }: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2)
    if (!OF_CONNECTION.test(name)) lines.push(`${name}: ${value}`)
  }
  lines.push('connection: close', '', '')
  socket.unshift(Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), head]))
  server.emit('connection', socket)
}

function refuse(socket: Duplex, status: string): void {
  // Node no longer watches this connection: a client that does not read would keep it open.
  socket.once('finish', () => socket.destroy())
  socket.once('timeout', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
}
