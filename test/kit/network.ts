/** A TCP connection to a gateway that a test can cut, as when a laptop loses its network. */
import { type Socket, connect, createServer } from 'node:net'
import { listenInTest } from './listen.ts'

export interface TestNetwork {
  /** The same gateway, through this network. */
  readonly url: string
  /** Closes all connections and rejects new ones. */
  cut(): void
  restore(): void
}

/** Starts a network to this URL; it ends with the test. */
export async function startNetwork(target: string): Promise<TestNetwork> {
  const url = new URL(target)
  const { hostname: host, port } = url
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((client) => {
    if (isCut) {
      client.destroy()
      return
    }
    const upstream = connect(Number(port), host)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket.setNoDelay(true))
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    client.pipe(upstream).pipe(client)
  })
  url.port = String((await listenInTest(server)).port)
  return {
    url: url.href.replace(/\/$/, ''),
    cut() {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    restore() {
      isCut = false
    },
  }
}
