/** A TCP relay to the upload host, which a test stalls or slows down. */
import { type Socket, connect, createServer } from 'node:net'
import { listenInTest } from '../kit/listen.ts'

export interface LineOptions {
  /** Awaited before bytes of a client are passed on; receives the number of bytes since the start. */
  readonly beforeSending?: (sentBytes: number) => Promise<void>
  /** Awaited before bytes of the host are passed on. */
  readonly beforeResponding?: (sentBytes: number) => Promise<void>
  /** Called when the client cuts a request. */
  readonly onCut?: () => void
}

/** Returns a fetch that sends requests to this host over the line, which ends with the test. */
export async function startLine(
  host: string,
  { beforeSending, beforeResponding, onCut }: LineOptions,
): Promise<typeof fetch> {
  const target = new URL(host)
  let sentBytes = 0

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const socket of [client, upstream]) socket.on('error', () => {})
    // The other way, a response that is held back is still passed on.
    client.on('close', () => upstream.destroy())
    passOn(client, upstream, async (size) => {
      await beforeSending?.(sentBytes)
      sentBytes += size
    }).catch(() => upstream.destroy())
    passOn(upstream, client, async () => beforeResponding?.(sentBytes)).catch(() =>
      client.destroy(),
    )
  })
  const { port } = await listenInTest(server)
  return (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    if (url.origin !== target.origin) return fetch(url, init)
    url.port = String(port)
    if (onCut !== undefined) init?.signal?.addEventListener('abort', onCut)
    return fetch(url, init)
  }
}

/** Passes bytes on until the end of the connection. */
async function passOn(
  from: Socket,
  to: Socket,
  before: (size: number) => Promise<void>,
): Promise<void> {
  for await (const piece of from) {
    if (!Buffer.isBuffer(piece)) continue
    await before(piece.length)
    // The callback is called too when the connection is closed.
    await new Promise<void>((resolve) => {
      to.write(piece, () => resolve())
    })
  }
  to.end()
}
