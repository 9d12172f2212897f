/** The limit of receiving a file: each chunk is streamed to where it belongs, as it comes. */
import { createWriteStream } from 'node:fs'
import { createServer } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { listen } from './listen.mjs'

listen(
  createServer(async (request, response) => {
    const start = Number(request.headers['upload-offset'])
    // The file is there, and empty, before the first chunk comes.
    const options = { flags: 'r+', start }
    await pipeline(request, createWriteStream(process.env.RECEIVED_FILE, options))
    response.writeHead(204).end()
  }),
)
