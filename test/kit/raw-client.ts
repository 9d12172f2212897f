/** A client that writes bytes to a TCP port, and reads only when the test requests it. */
import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { onTestFinished } from 'vitest'

export interface RawClient {
  readonly socket: Socket
  /** Everything received so far, as latin1. */
  received(): string
  /** Resolves with everything received once the connection is closed by either side. */
  closed(): Promise<string>
  /** Resolves with everything received once it contains the text; rejects if the connection closes before. */
  until(text: string): Promise<string>
}

/** Opens a connection that is destroyed when the test ends. Errors of the connection end it, nothing more. */
export async function openRaw(url: string, localAddress?: string): Promise<RawClient> {
  const { hostname, port } = new URL(url)
  const socket = connect({ port: Number(port), host: hostname, noDelay: true, localAddress })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  socket.on('error', () => socket.destroy())
  const chunks: string[] = []
  const waiting = new Set<() => void>()
  const gone = new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
  })
  const received = (): string => chunks.join('')

  function startReading(): void {
    if (socket.listenerCount('data') > 0) return
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk.toString('latin1'))
      for (const check of waiting) check()
    })
  }

  return {
    socket,
    received,
    async closed() {
      startReading()
      await gone
      return received()
    },
    async until(text) {
      startReading()
      const found = new Promise<void>((resolve) => {
        function check(): void {
          if (!received().includes(text)) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      })
      await Promise.race([found, gone])
      if (!received().includes(text)) {
        throw new Error(`The connection closed before "${text}" was received: ${received()}`)
      }
      return received()
    },
  }
}

/** A request as HTTP/1.1 writes it; `content-length` is added where there is a body. */
export function rawRequest(
  line: string,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): string {
  const all: Readonly<Record<string, string>> = {
    host: 'localhost',
    ...(body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${line} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

/** A POST to /graphql. */
export function rawQuery(query: string, headers: Readonly<Record<string, string>> = {}): string {
  return rawRequest(
    'POST /graphql',
    { 'content-type': 'application/json', ...headers },
    JSON.stringify({ query }),
  )
}

/** A WebSocket upgrade of /graphql. */
export const RAW_UPGRADE = rawRequest('GET /graphql', {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'graphql-transport-ws',
})

/** Opens a connection and upgrades it to a WebSocket. */
export async function openRawSocket(url: string): Promise<RawClient> {
  const client = await openRaw(url)
  client.socket.write(RAW_UPGRADE)
  await client.until('\r\n\r\n')
  return client
}

/** Returns the masked frames of a message. Its fragments have one mask, which changes no byte. */
export function rawFrames(text: string, fragments = 1): Buffer {
  const bytes = Buffer.from(text)
  const size = Math.ceil(bytes.length / fragments)
  const frames = Array.from({ length: fragments }, (_, index) => {
    const part = bytes.subarray(index * size, (index + 1) * size)
    const head = (index === 0 ? 0x01 : 0x00) | (index === fragments - 1 ? 0x80 : 0)
    const length =
      part.length < 126 ? [0x80 | part.length] : [0x80 | 126, part.length >> 8, part.length & 0xff]
    return Buffer.concat([Buffer.from([head, ...length, 0, 0, 0, 0]), part])
  })
  return Buffer.concat(frames)
}
