/** The limit of receiving notices: verified as Stream's documentation has it, read, and forgotten. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import { answer, listen, readBody } from './listen.mjs'

const secret = process.env.STREAM_WEBHOOK_SECRET

listen(
  createServer((request, response) => {
    readBody(request, (body) => {
      const header = request.headers['webhook-signature'] ?? ''
      const [, time = '', signature = ''] = /^time=(\d+),sig1=([0-9a-f]{64})$/.exec(header) ?? []
      const right = createHmac('sha256', secret).update(`${time}.`).update(body).digest()
      const given = Buffer.from(signature, 'hex')
      if (given.length !== right.length || !timingSafeEqual(given, right)) {
        response.writeHead(401).end()
        return
      }
      answer(response, { uid: JSON.parse(body).uid })
    })
  }),
)
