/** A proxy in front of PostgreSQL that counts round trips by statement. */
import { connect, createServer } from 'node:net'
import { listen } from './listen.ts'

export interface PostgresProxy {
  /** The URL of the same database, through the proxy. */
  readonly url: string
  /** Round trips since the last call, by the name of the prepared statement, else by the SQL text. */
  takeRoundTrips(): ReadonlyMap<string, number>
  close(): Promise<void>
}

/** Bytes of a message's type and of its length, which counts itself. */
const TYPE_BYTES = 1
const LENGTH_BYTES = 4

export async function startPostgresProxy(target: string): Promise<PostgresProxy> {
  const url = new URL(target)
  const { hostname: host, port } = url
  let roundTrips = new Map<string, number>()

  function count(statement: string): void {
    roundTrips.set(statement, (roundTrips.get(statement) ?? 0) + 1)
  }

  const server = createServer((client) => {
    const upstream = connect(Number(port), host)
    // A gateway that closes its pool resets the connection.
    for (const socket of [client, upstream]) socket.setNoDelay(true).on('error', () => undefined)
    client.on('close', () => upstream.destroy())
    const read = createMessageReader(count)
    client.on('data', read)
    client.pipe(upstream).pipe(client)
  })
  const { port: ownPort, close } = await listen(server)
  url.port = String(ownPort)
  return {
    url: url.href,
    takeRoundTrips() {
      const taken = roundTrips
      roundTrips = new Map()
      return taken
    },
    close,
  }
}

/**
 * Reads the messages of one client. A round trip ends with Sync, or is a simple query.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
function createMessageReader(onRoundTrip: (statement: string) => void): (chunk: Buffer) => void {
  let unread = Buffer.alloc(0)
  let isStarted = false
  let statement = ''
  let text = ''

  function readMessage(type: string, body: Buffer): void {
    const fields = body.toString('latin1').split('\0')
    if (type === 'P') text = fields[1] ?? ''
    if (type === 'B') statement = fields[1] ?? ''
    if (type === 'S') onRoundTrip(statement === '' ? text : statement)
    if (type === 'Q') onRoundTrip(fields[0] ?? '')
  }

  return (chunk) => {
    unread = Buffer.concat([unread, chunk])
    for (;;) {
      // Only the first message of a connection has no type.
      const start = isStarted ? TYPE_BYTES : 0
      if (unread.length < start + LENGTH_BYTES) return
      const end = start + unread.readInt32BE(start)
      if (unread.length < end) return
      if (isStarted) {
        readMessage(unread.toString('latin1', 0, start), unread.subarray(start + LENGTH_BYTES, end))
      }
      isStarted = true
      unread = unread.subarray(end)
    }
  }
}
