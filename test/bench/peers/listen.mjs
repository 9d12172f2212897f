/** Functions of all peers: print the URL, read a body, respond with JSON. */

// `process.exit` lets Node write its CPU profile; SIGTERM alone does not.
process.once('SIGTERM', () => process.exit())

/** Listens on a free port and prints the URL to standard error, as the gateway does. */
export function listen(server) {
  server.listen(0, '127.0.0.1', () => announce(`http://127.0.0.1:${server.address().port}`))
}

export function announce(url) {
  process.stderr.write(`listens on ${url}\n`)
}

/** Calls `onBody` with the complete body. */
export function readBody(request, onBody) {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => onBody(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
}

export function respond(response, value) {
  const body = JSON.stringify(value)
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
