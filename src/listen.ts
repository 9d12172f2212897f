/** Listens on a port with Node's own HTTP server, and hands each request on as a web Request. */
import { type Server, createServer } from 'node:http'
import { createServerAdapter } from '@whatwg-node/server'
import type { Gateway } from './gateway.ts'
import { listenForSockets } from './listen-sockets.ts'

export interface Listener {
  /** Where it listens, with the port that was picked. */
  readonly url: string
  /** Who answers from now on; until then every answer is 503. */
  answerWith(gateway: Gateway): void
  /** Takes no more requests, lets those under way finish for so long, then cuts what is left. */
  close(graceMs: number): Promise<void>
}

const starting = async (): Promise<Response> =>
  new Response('Starting.\n', { status: 503, headers: { 'retry-after': '1' } })

/** Rejects where the address cannot be had, with a sentence that says which. */
export async function listen(host: string, port: number): Promise<Listener> {
  let answer: (request: Request) => Promise<Response> = starting
  const adapter = createServerAdapter((request: Request) => answer(request))
  let draining = false
  const server = createServer((request, response) => {
    // A connection that falls idle while the server closes would keep it open.
    response.once('close', () => {
      if (draining) setImmediate(() => server.closeIdleConnections())
    })
    void adapter(request, response)
  })
  let sockets: { close(): Promise<void> } | null = null

  await bind(server, host, port)
  return {
    url: urlOf(server, host),
    answerWith(gateway) {
      answer = gateway.fetch
      sockets = listenForSockets(server, gateway.socketOptions, gateway.allowedOrigins)
    },
    async close(graceMs) {
      draining = true
      const drained = drain(server, graceMs)
      await sockets?.close()
      await drained
    },
  }
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken =
        error.code === 'EADDRINUSE' ? ': it is in use. Set PORT to another, or to 0' : ''
      reject(new Error(`Cannot listen on ${host}:${port}${taken}.`, { cause: error }))
    })
    server.listen(port, host, resolve)
  })
}

function urlOf(server: Server, host: string): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  const shown =
    host === '0.0.0.0'
      ? '127.0.0.1'
      : host === '::'
        ? '[::1]'
        : host.includes(':')
          ? `[${host}]`
          : host
  return `http://${shown}:${address.port}`
}

function drain(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(deadline)
      resolve()
    })
    server.closeIdleConnections()
  })
}
