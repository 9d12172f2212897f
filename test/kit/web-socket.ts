/** WebSockets of the protocol graphql-transport-ws, which send no `connection_init` by themselves. */
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

/**
 * Opens a socket that is terminated when the test ends. Errors after that are ignored: they close it.
 * @param url of the gateway
 */
export async function openWebSocket(url: string, path = '/graphql'): Promise<WebSocket> {
  const socket = new WebSocket(url.replace('http', 'ws') + path, 'graphql-transport-ws')
  onTestFinished(() => socket.terminate())
  await once(socket, 'open')
  socket.on('error', () => undefined)
  return socket
}
