/** WebSockets on Node's HTTP server: the upgrade, checked, and handed to graphql-ws. */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import type { SocketOptions } from './http/socket.ts'

/** Bytes of one message of a client. */
const MAX_MESSAGE_BYTES = 256 * 1024
/** Milliseconds between two pings, shorter than the idle limit of common proxies. */
const PING_MS = 12_000
const PATH = '/graphql'

/**
 * Takes upgrades on /graphql. A browser says where its page comes from; only the listed origins are
 * let in, since no preflight protects a socket. Clients that are no browsers say nothing.
 */
export function listenForSockets(
  server: Server,
  options: SocketOptions,
  allowedOrigins: ReadonlySet<string>,
): { close(): Promise<void> } {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: (protocols) =>
      protocols.has('graphql-transport-ws') ? 'graphql-transport-ws' : false,
  })
  const graphql = useServer({ ...options, isProd: true }, sockets, PING_MS)

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const { origin } = request.headers
    // Compared as text: what comes here may be no address at all.
    if (request.url?.split('?', 1)[0] !== PATH) {
      refuse(socket, '404 Not Found')
    } else if (origin !== undefined && !allowedOrigins.has(origin)) {
      refuse(socket, '403 Forbidden')
    } else {
      sockets.handleUpgrade(request, socket, head, (opened) =>
        sockets.emit('connection', opened, request),
      )
    }
  }
  server.on('upgrade', upgrade)
  return {
    async close() {
      server.off('upgrade', upgrade)
      // Clients are told that the server goes away (1001), so that they come back to another.
      await graphql.dispose()
    },
  }
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
}
