/**
 * The example of Stream's page on direct creator uploads as a server: requests a URL from Stream,
 * returns it, stores nothing. https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/
 */
import express from 'express'
import { announce } from './listen.mjs'

const app = express()
app.use(express.json())
app.post('/graphql', async (request, response) => {
  const { input } = request.body.variables
  const streamResponse = await fetch(`${process.env.STREAM_URL}/direct_upload`, {
    method: 'POST',
    headers: { authorization: 'Bearer local-token', 'content-type': 'application/json' },
    body: JSON.stringify({ maxDurationSeconds: input.maxDurationSeconds }),
  })
  const { result } = await streamResponse.json()
  response.json(result)
})
const server = app.listen(0, '127.0.0.1', () =>
  announce(`http://127.0.0.1:${server.address().port}`),
)
