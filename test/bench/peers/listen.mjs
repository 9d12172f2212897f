/** What every peer does alike: says where it listens, reads a body, answers with JSON. */

// A process that ends by itself writes its profile, where one is taken.
process.once('SIGTERM', () => process.exit())

/** Listens on a free port of this machine and says which, as the gateway does. */
export function listen(server) {
  server.listen(0, '127.0.0.1', () => say(`http://127.0.0.1:${server.address().port}`))
}

export function say(url) {
  process.stderr.write(`listens on ${url}\n`)
}

/** Hands on the whole body. */
export function readBody(request, take) {
  const dependencies = []
  request.on('data', (part) => dependencies.push(part))
  request.on('end', () =>
    take(dependencies.length === 1 ? dependencies[0] : Buffer.concat(dependencies)),
  )
}

export function answer(response, value) {
  const body = JSON.stringify(value)
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}
