/** Upper limit of server-sent events: one shared buffer for all subscribers. */
import { createServer } from 'node:http'
import { listen, readBody } from './listen.mjs'

const subscribers = new Set()
let event = Buffer.from(frame('{"percent":0}'))

function frame(data) {
  return `event: next\ndata: ${data}\n\n`
}

listen(
  createServer((request, response) => {
    if (request.url === '/change') {
      readBody(request, (body) => {
        event = Buffer.from(frame(body.toString()))
        for (const subscriber of subscribers) subscriber.write(event)
        response.writeHead(200, { 'content-length': 0 }).end()
      })
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(event)
    subscribers.add(response)
    response.on('close', () => subscribers.delete(response))
  }),
)
