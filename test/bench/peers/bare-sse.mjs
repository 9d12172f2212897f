/** The limit of server-sent events: one buffer, made once, for all who listen. */
import { createServer } from 'node:http'
import { listen, readBody } from './listen.mjs'

const listeners = new Set()
let event = Buffer.from(frame('{"percent":0}'))

function frame(data) {
  return `event: next\ndata: ${data}\n\n`
}

listen(
  createServer((request, response) => {
    if (request.url === '/change') {
      readBody(request, (body) => {
        event = Buffer.from(frame(body.toString()))
        for (const listener of listeners) listener.write(event)
        response.writeHead(200, { 'content-length': 0 }).end()
      })
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(event)
    listeners.add(response)
    response.on('close', () => listeners.delete(response))
  }),
)
