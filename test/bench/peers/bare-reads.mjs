/** The practical limit of reading: Node's own HTTP server over the same row, and nothing else. */
import { createServer } from 'node:http'
import { answer, listen, readBody } from './listen.mjs'
import { findUpload, newestUploads } from './uploads.mjs'

listen(
  createServer((request, response) => {
    readBody(request, (body) => {
      const { variables } = JSON.parse(body)
      const data =
        variables.uid === undefined
          ? { uploads: { nodes: newestUploads(request.headers['x-creator'], variables.first) } }
          : { upload: findUpload(variables.uid) }
      answer(response, { data })
    })
  }),
)
