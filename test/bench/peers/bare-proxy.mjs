/** Upper limit of creating uploads: Node's HTTP server and undici, which store nothing. */
import { createServer } from 'node:http'
import { Pool } from 'undici'
import { listen, readBody, respond } from './listen.mjs'

const { origin, pathname } = new URL(process.env.STREAM_URL)
const stream = new Pool(origin, { connections: 50 })

listen(
  createServer((request, response) => {
    readBody(request, async (body) => {
      const { input } = JSON.parse(body).variables
      const streamResponse = await stream.request({
        path: `${pathname}/direct_upload`,
        method: 'POST',
        headers: { authorization: 'Bearer local-token', 'content-type': 'application/json' },
        body: JSON.stringify({ maxDurationSeconds: input.maxDurationSeconds }),
      })
      const { result } = await streamResponse.body.json()
      respond(response, result)
    })
  }),
)
