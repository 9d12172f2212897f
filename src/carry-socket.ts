/** Carries GraphQL over one WebSocket of `ws`: its messages, its end, and a pulse in between. */
import type { Server } from 'graphql-ws'
import type { WebSocket } from 'ws'
import type { Log } from './uploads/parts.ts'

/** Milliseconds between two pings, shorter than the idle limit of common proxies. */
const PING_MS = 12_000
/** https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md */
const BAD_REQUEST = 4400
/** Something of ours went wrong. */
const INTERNAL_SERVER_ERROR = 4500

/** Whoever answers no ping until the next one is due is gone, and is cut off. */
export function carrySocket(graphql: Server<object>, socket: WebSocket, log: Log): void {
  let answered = true
  const pulse = setInterval(() => {
    if (!answered) {
      socket.terminate()
      return
    }
    answered = false
    socket.ping()
  }, PING_MS)
  socket.on('pong', () => {
    answered = true
  })
  // Frames that break the protocol, or are too large. `ws` closes with the code that says so.
  socket.on('error', (error) => log.debug({ err: error }, 'a socket broke the protocol'))

  const closed = graphql.opened(
    {
      protocol: socket.protocol,
      send: (data) => send(socket, data),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (receive) =>
        socket.on('message', (data: Buffer) => {
          receive(data.toString()).catch((error: unknown) => {
            // graphql-ws throws where a client sends what only a server may.
            if (error instanceof Error && error.message.startsWith('Unexpected message of type')) {
              socket.close(BAD_REQUEST, 'Only a server sends such a message')
              return
            }
            log.error({ err: error }, 'unexpected error')
            socket.close(INTERNAL_SERVER_ERROR, 'Internal server error')
          })
        }),
    },
    { socket },
  )
  socket.once('close', (code, reason) => {
    clearInterval(pulse)
    void closed(code, reason.toString())
  })
}

function send(socket: WebSocket, data: string): Promise<void> {
  // Whoever went away has no use for it.
  if (socket.readyState !== socket.OPEN) return Promise.resolve()
  return new Promise((resolve, reject) => {
    socket.send(data, (error) => (error ? reject(error) : resolve()))
  })
}
