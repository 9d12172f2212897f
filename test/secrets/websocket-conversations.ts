/** Conversations over WebSocket: every frame and every reason for which a socket was closed. */
import { connect } from 'node:net'
import { WebSocket } from 'ws'
import type { Tokens } from './test-secrets.ts'
import type { Endpoint } from './send-requests.ts'
import { UPLOADS, WATCH } from './operations.ts'
import type { Secret } from './search.ts'

interface Talk {
  readonly name: string
  /** The first is sent when the socket opens, the others when the gateway has nodded. */
  readonly says: readonly string[]
  readonly query?: string
  readonly origin?: string
  readonly protocol?: string
  readonly own?: readonly Secret[]
}

const BACKOFF_MS = 5000
/** An operation is over, or has shown its first result. */
const ENOUGH = /"type":"(?:complete|error|next)"/

/** Everything that the gateway said, until an operation was answered or the socket closed. */
export function talk(
  endpoint: Endpoint,
  { name, says, query = '', protocol, origin, own }: Talk,
): Promise<string> {
  const heard: string[] = []
  const [first, ...others] = says
  return new Promise((resolve) => {
    const socket = new WebSocket(
      `${endpoint.url.replace('http', 'ws')}/graphql${query}`,
      protocol ?? 'graphql-transport-ws',
      origin === undefined ? {} : { origin },
    )
    const impatience = setTimeout(() => socket.terminate(), BACKOFF_MS)
    socket.on('open', () => {
      if (first !== undefined) socket.send(first)
    })
    socket.on('message', (data, isBinary) => {
      const frame = isBinary || !(data instanceof Buffer) ? 'binary' : data.toString()
      heard.push(frame)
      if (frame.includes('connection_ack')) for (const words of others) socket.send(words)
      if (ENOUGH.test(frame)) socket.close(1000)
    })
    socket.on('unexpected-response', (_request, response) => {
      heard.push(`refused: ${response.statusCode} ${JSON.stringify(response.headers)}`)
      socket.terminate()
    })
    socket.on('error', (error) => heard.push(error.message))
    socket.on('close', (code, reason) => {
      clearTimeout(impatience)
      heard.push(`closed: ${code} ${reason.toString()}`)
      endpoint.transcript.note(`socket, ${name}`, heard, own)
      resolve(heard.join('\n'))
    })
  })
}

/** The first words of a client. */
export function hello(token: string | null): string {
  const payload = token === null ? {} : { authorization: `Bearer ${token}` }
  return JSON.stringify({ type: 'connection_init', payload })
}

/** An operation. */
export function operation(query: string, variables: object = {}): string {
  return JSON.stringify({ type: 'subscribe', id: 'one', payload: { query, variables } })
}

/** Talks that go wrong, and what each ended with. */
export async function talkAmiss(
  endpoint: Endpoint,
  { ada, refused }: Tokens,
): Promise<readonly string[]> {
  const { text: token, secret } = ada
  const mine = [secret]
  const init = hello(token)
  const talks: readonly Talk[] = [
    { name: 'nobody', says: [hello(null), operation(UPLOADS)] },
    ...refused.map(({ text, secret: { name } }) => ({ name, says: [hello(text)] })),
    { name: 'no words', says: [token], own: mine },
    { name: 'malformed words', says: [`{"type":"${token}`], own: mine },
    { name: 'an unknown kind', says: [`{"type":"${token}"}`], own: mine },
    { name: 'an operation before hello', says: [operation(UPLOADS)] },
    { name: 'hello twice', says: [init, init] },
    { name: 'a token for parameters', says: [`{"type":"connection_init","payload":"${token}"}`] },
    { name: 'a syntax error', says: [init, operation(`{ upload(uid: "${token}")`)], own: mine },
    { name: 'an unknown field', says: [init, operation(`{ x(y: "${token}") }`)], own: mine },
    { name: 'a token for a uid', says: [init, operation(WATCH, { uid: token })], own: mine },
    {
      name: 'variables of a wrong type',
      says: [init, operation(WATCH, { uid: [token] })],
      own: mine,
    },
    { name: 'a query', says: [init, operation(UPLOADS)] },
    { name: 'an operation twice', says: [init, operation(WATCH), operation(WATCH)] },
    { name: 'too much', says: [init, token.repeat(2000)], own: mine },
    { name: 'a token in the address', says: [init, operation('{ x }')], query: `?token=${token}` },
    { name: 'another page', says: [], origin: 'https://elsewhere.example.com' },
    { name: 'another protocol', says: [init], protocol: 'graphql-ws' },
  ]
  return Promise.all(talks.map(async (one) => `${one.name}: ${await talk(endpoint, one)}`))
}

/** Bytes that are no request, or hardly one, with a token in them. */
export async function sendRaw(endpoint: Endpoint, token: string): Promise<void> {
  const { hostname, port } = new URL(endpoint.url)
  const requests = [
    `GET /?token=${token} HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n`,
    `GET ${token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    `${token} / HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nAuthorization: ${token.repeat(200)}\r\nConnection: close\r\n\r\n`,
    `GET //${token}@[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    `POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"query":"${token}`,
  ]
  for (const [index, bytes] of requests.entries()) {
    const answer = await new Promise<string>((resolve, reject) => {
      const chunks: string[] = []
      const socket = connect(Number(port), hostname, () => socket.end(bytes))
      socket.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk))
      socket.on('close', () => resolve(chunks.join('')))
      socket.on('error', reject)
    })
    endpoint.transcript.note(`raw request ${index}`, answer)
  }
}
