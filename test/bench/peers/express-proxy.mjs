/**
 * What Stream's page on direct creator uploads shows, as a server: asks Stream, hands the URL on,
 * keeps nothing. https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/
 */
import express from 'express'
import { say } from './listen.mjs'

const app = express()
app.use(express.json())
app.post('/graphql', async (request, response) => {
  const { input } = request.body.variables
  const asked = await fetch(`${process.env.STREAM_URL}/direct_upload`, {
    method: 'POST',
    headers: { authorization: 'Bearer local-token', 'content-type': 'application/json' },
    body: JSON.stringify({ maxDurationSeconds: input.maxDurationSeconds }),
  })
  const { result } = await asked.json()
  response.json(result)
})
const server = app.listen(0, '127.0.0.1', () => say(`http://127.0.0.1:${server.address().port}`))
