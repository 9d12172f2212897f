/** WebSockets at the Worker: who is let in, and what closes one. */
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

/** How it ends: the code that closes it, or why it was never opened. */
function endOf(socket: WebSocket): Promise<number | string> {
  return new Promise((resolve) => {
    socket.on('close', (code) => resolve(code))
    socket.on('error', (error) => resolve(error.message))
  })
}

/** The first message that comes. */
function answerTo(socket: WebSocket, message: object): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.on('message', (data: Buffer) => resolve(data.toString()))
    socket.on('error', reject)
    socket.on('open', () => socket.send(JSON.stringify(message)))
  })
}

describe('a socket', () => {
  it.each([undefined, 'https://app.example.com'])('from %s is let in', async (origin) => {
    const socket = connect(origin)
    expect(await answerTo(socket, { type: 'connection_init' })).toBe('{"type":"connection_ack"}')
    expect(socket.protocol).toBe(PROTOCOL)
    socket.close(1000)
    expect(await endOf(socket)).toBe(1000)
  })

  it('under a name that an attacker may have pointed here is refused, where nobody has a token', async () => {
    const { port } = new URL(worker.url)
    const socket = new WebSocket(`${worker.url.replace('http', 'ws')}/graphql`, PROTOCOL, {
      origin: `http://evil.example.com:${port}`,
      headers: { host: `evil.example.com:${port}` },
    })
    expect(await endOf(socket)).toContain('421')
  })

  it('of a page of elsewhere is refused', async () => {
    expect(await endOf(connect('https://evil.example.com'))).toContain('403')
  })

  it.each<[string, (socket: WebSocket) => void, number]>([
    ['what is no JSON', (socket) => socket.send('{'), 4400],
    ['bytes', (socket) => socket.send(Buffer.from('{"type":"connection_init"}')), 4400],
    ['what only a server says', (socket) => socket.send('{"type":"connection_ack"}'), 4400],
    ['too much', (socket) => socket.send('x'.repeat(MAX_REQUEST_BYTES + 1)), 1009],
    [
      'a question before it has said who it is',
      (socket) => socket.send('{"type":"subscribe","id":"1","payload":{"query":"{ __typename }"}}'),
      4401,
    ],
  ])('that sends %s is closed', async (_name, send, code) => {
    const socket = connect()
    socket.on('open', () => send(socket))
    expect(await endOf(socket)).toBe(code)
  })

  it('of another protocol is closed, and nothing of it is an error of ours', async () => {
    expect(await endOf(connect(undefined, 'graphql-ws'))).toSatisfy(
      (end) => end === 4406 || String(end).includes('subprotocol'),
    )
    expect(worker.lines.filter((line) => line.includes('"level":"error"'))).toEqual([])
  })
})
