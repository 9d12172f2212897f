/** Starts servers of tests, of HTTP or TCP, on the loopback interface. */
import { once } from 'node:events'
import type { Server, Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface ListeningServer {
  readonly port: number
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  /** Closes all connections and the server. Does nothing if it is closed. */
  readonly close: () => Promise<void>
}

/**
 * Listens until `close`.
 * @param port default: a free one
 */
export async function listen(server: Server, port = 0): Promise<ListeningServer> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await once(server.listen(port, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return {
    port: address.port,
    origin: `http://127.0.0.1:${address.port}`,
    async close() {
      if (!server.listening) return
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

/**
 * Listens on a free port until the test ends.
 * @param whenOver of the test's own context, for a concurrent test
 */
export async function listenInTest(
  server: Server,
  whenOver: (close: () => Promise<void>) => void = onTestFinished,
): Promise<ListeningServer> {
  const listening = await listen(server)
  whenOver(listening.close)
  return listening
}
