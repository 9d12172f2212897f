/** Upper limit of receiving a file: streams each chunk to its offset in the file. */
import { createWriteStream } from 'node:fs'
import { createServer } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { listen } from './listen.mjs'

listen(
  createServer(async (request, response) => {
    const start = Number(request.headers['upload-offset'])
    // The benchmark creates the empty file before the first chunk.
    const options = { flags: 'r+', start }
    await pipeline(request, createWriteStream(process.env.RECEIVED_FILE, options))
    response.writeHead(204).end()
  }),
)
