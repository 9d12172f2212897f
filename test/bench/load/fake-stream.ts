/**
 * Stub of Cloudflare Stream's API: creates uploads immediately, and returns every video as
 * `pendingupload`. https://developers.cloudflare.com/api/resources/stream/
 */
import { randomBytes } from 'node:crypto'
import { type ServerResponse, createServer } from 'node:http'

const server = createServer((request, response) => {
  request.resume()
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
  if (request.method === 'POST' && pathname.endsWith('/stream/direct_upload')) {
    const uid = randomBytes(16).toString('hex')
    succeed(response, { uid, uploadURL: `https://upload.videodelivery.net/${uid}` })
  } else if (pathname.endsWith('/stream/webhook')) {
    const notificationUrl = 'http://127.0.0.1/webhooks/stream'
    succeed(response, { notificationUrl, secret: 'unused', modified: new Date().toISOString() })
  } else if (pathname.endsWith('/stream')) {
    const uids = searchParams.get('id')?.split(',') ?? []
    succeed(response, uids.map(pending))
  } else {
    succeed(response, pending(pathname.split('/').at(-1) ?? ''))
  }
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  process.stderr.write(`listens on http://127.0.0.1:${address.port}\n`)
})

function pending(uid: string): object {
  return {
    uid,
    readyToStream: false,
    status: { state: 'pendingupload' },
    // Without `uploadExpiry`: one that differs from the recorded expiry is a change of the upload.
    meta: {},
  }
}

function succeed(response: ServerResponse, result: unknown): void {
  const total = Array.isArray(result) ? result.length : 1
  const envelope = { result, success: true, errors: [], messages: [], total, range: total }
  const body = JSON.stringify(envelope)
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
