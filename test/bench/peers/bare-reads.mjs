/** Practical upper limit of reading: Node's HTTP server that reads the same rows. */
import { createServer } from 'node:http'
import { listen, readBody, respond } from './listen.mjs'
import { findUpload, newestUploads } from './uploads.mjs'

listen(
  createServer((request, response) => {
    readBody(request, (body) => {
      const { variables } = JSON.parse(body)
      const data =
        variables.uid === undefined
          ? { uploads: { nodes: newestUploads(request.headers['x-creator'], variables.first) } }
          : { upload: findUpload(variables.uid) }
      respond(response, { data })
    })
  }),
)
