/** WebSockets of the Worker: accepted origins and hosts, and close codes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { MAX_REQUEST_BYTES } from '../../src/http/graphql/endpoint.ts'
import { type TestWorker, startWorker } from '../kit/gateway-worker.ts'

const PROTOCOL = 'graphql-transport-ws'

let worker: TestWorker

beforeAll(async () => {
  worker = await startWorker({
    variables: { AUTH_DISABLED: 'true', ALLOWED_ORIGINS: 'https://app.example.com' },
  })
})
afterAll(() => worker.stop())

function connect(origin?: string, protocol = PROTOCOL): WebSocket {
  const url = `${worker.url.replace('http', 'ws')}/graphql`
  return new WebSocket(url, protocol, origin === undefined ? {} : { origin })
}

/** Resolves to the close code, or to the error message if the socket never opened. */
function closeOf(socket: WebSocket): Promise<number | string> {
  return new Promise((resolve) => {
    socket.on('close', (code) => resolve(code))
    socket.on('error', (error) => resolve(error.message))
  })
}

/** Sends a message on open and resolves to the first message received. */
function firstMessageAfter(socket: WebSocket, message: object): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.on('message', (data: Buffer) => resolve(data.toString()))
    socket.on('error', reject)
    socket.on('open', () => socket.send(JSON.stringify(message)))
  })
}

describe('a WebSocket', () => {
  it.each([undefined, 'https://app.example.com'])(
    'from the origin %s is accepted',
    async (origin) => {
      const socket = connect(origin)
      expect(await firstMessageAfter(socket, { type: 'connection_init' })).toBe(
        '{"type":"connection_ack"}',
      )
      expect(socket.protocol).toBe(PROTOCOL)
      socket.close(1000)
      expect(await closeOf(socket)).toBe(1000)
    },
  )

  it('with an unknown host is rejected with 421 if authentication is disabled', async () => {
    const { port } = new URL(worker.url)
    const socket = new WebSocket(`${worker.url.replace('http', 'ws')}/graphql`, PROTOCOL, {
      origin: `http://evil.example.com:${port}`,
      headers: { host: `evil.example.com:${port}` },
    })
    expect(await closeOf(socket)).toContain('421')
  })

  it('from an origin that is not allowed is rejected with 403', async () => {
    expect(await closeOf(connect('https://evil.example.com'))).toContain('403')
  })

  it.each<[string, (socket: WebSocket) => void, number]>([
    ['malformed JSON', (socket) => socket.send('{'), 4400],
    ['a binary message', (socket) => socket.send(Buffer.from('{"type":"connection_init"}')), 4400],
    ['a message type of servers', (socket) => socket.send('{"type":"connection_ack"}'), 4400],
    [
      'a message that is too large',
      (socket) => socket.send('x'.repeat(MAX_REQUEST_BYTES + 1)),
      1009,
    ],
    [
      'an operation before connection_init',
      (socket) => socket.send('{"type":"subscribe","id":"1","payload":{"query":"{ __typename }"}}'),
      4401,
    ],
  ])('that sends %s is closed', async (_name, send, code) => {
    const socket = connect()
    socket.on('open', () => send(socket))
    expect(await closeOf(socket)).toBe(code)
  })

  it('with another subprotocol is closed without an error in the log', async () => {
    expect(await closeOf(connect(undefined, 'graphql-ws'))).toSatisfy(
      (close) => close === 4406 || String(close).includes('subprotocol'),
    )
    expect(worker.lines.filter((line) => line.includes('"level":"error"'))).toEqual([])
  })
})
