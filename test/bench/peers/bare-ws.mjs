/** Upper limit of WebSockets: `ws` with one shared buffer for all subscribers. */
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { listen, readBody } from './listen.mjs'

let event = Buffer.from('{"percent":0}')
const server = createServer((request, response) => {
  readBody(request, (body) => {
    event = body
    for (const client of sockets.clients) client.send(event, { binary: false })
    response.writeHead(200, { 'content-length': 0 }).end()
  })
})
const sockets = new WebSocketServer({ server })
sockets.on('connection', (socket) => {
  socket.on('message', (message) => {
    // The client sends `subscribe` after `connection_ack`, as with the gateway.
    if (message.includes('connection_init')) socket.send('{"type":"connection_ack"}')
    else if (message.includes('subscribe')) socket.send(event, { binary: false })
  })
})
listen(server)
