/** Conversations over WebSocket; records every message and the close code and reason. */
import { connect } from 'node:net'
import { WebSocket } from 'ws'
import type { Tokens } from './test-secrets.ts'
import type { RecordingClient } from './send-requests.ts'
import { UPLOADS, WATCH } from './operations.ts'
import type { Secret } from './search.ts'

interface Conversation {
  readonly name: string
  /** The first is sent when the socket opens, the others after `connection_ack`. */
  readonly messages: readonly string[]
  readonly query?: string
  readonly origin?: string
  readonly protocol?: string
  readonly own?: readonly Secret[]
}

const TIMEOUT_MS = 5000
/** An operation ended or sent its first result. */
const FIRST_RESULT = /"type":"(?:complete|error|next)"/

/** Returns all messages of the gateway until the first result or until the socket closes. */
export function converse(
  client: RecordingClient,
  { name, messages, query = '', protocol, origin, own }: Conversation,
): Promise<string> {
  const received: string[] = []
  const [first, ...others] = messages
  return new Promise((resolve) => {
    const socket = new WebSocket(
      `${client.url.replace('http', 'ws')}/graphql${query}`,
      protocol ?? 'graphql-transport-ws',
      origin === undefined ? {} : { origin },
    )
    const timeout = setTimeout(() => socket.terminate(), TIMEOUT_MS)
    socket.on('open', () => {
      if (first !== undefined) socket.send(first)
    })
    socket.on('message', (data, isBinary) => {
      const message = isBinary || !(data instanceof Buffer) ? 'binary' : data.toString()
      received.push(message)
      if (message.includes('connection_ack')) for (const other of others) socket.send(other)
      if (FIRST_RESULT.test(message)) socket.close(1000)
    })
    socket.on('unexpected-response', (_request, response) => {
      received.push(`rejected: ${response.statusCode} ${JSON.stringify(response.headers)}`)
      socket.terminate()
    })
    socket.on('error', (error) => received.push(error.message))
    socket.on('close', (code, reason) => {
      clearTimeout(timeout)
      received.push(`closed: ${code} ${reason.toString()}`)
      client.transcript.record(`socket, ${name}`, received, own)
      resolve(received.join('\n'))
    })
  })
}

/** The `connection_init` message, with a token or without. */
export function connectionInit(token: string | null): string {
  const payload = token === null ? {} : { authorization: `Bearer ${token}` }
  return JSON.stringify({ type: 'connection_init', payload })
}

const CHANGES = 'subscription { uploadsChanged { uid } }'

/** The `subscribe` message of an operation. */
export function subscribeMessage(query: string, variables: object = {}): string {
  return JSON.stringify({ type: 'subscribe', id: 'one', payload: { query, variables } })
}

/** Runs conversations, most of which end with an error. Returns the name and messages of each. */
export async function runConversations(
  client: RecordingClient,
  { ada, rejected }: Tokens,
): Promise<readonly string[]> {
  const { text: token, secret } = ada
  const own = [secret]
  const init = connectionInit(token)
  const conversations: readonly Conversation[] = [
    { name: 'no token', messages: [connectionInit(null), subscribeMessage(UPLOADS)] },
    ...rejected.map(({ text, secret: { name } }) => ({ name, messages: [connectionInit(text)] })),
    { name: 'no JSON', messages: [token], own },
    { name: 'malformed JSON', messages: [`{"type":"${token}`], own },
    { name: 'an unknown message type', messages: [`{"type":"${token}"}`], own },
    { name: 'an operation before connection_init', messages: [subscribeMessage(UPLOADS)] },
    { name: 'connection_init twice', messages: [init, init] },
    {
      name: 'a token for the payload',
      messages: [`{"type":"connection_init","payload":"${token}"}`],
    },
    {
      name: 'a syntax error',
      messages: [init, subscribeMessage(`{ upload(uid: "${token}")`)],
      own,
    },
    { name: 'an unknown field', messages: [init, subscribeMessage(`{ x(y: "${token}") }`)], own },
    { name: 'a token for a uid', messages: [init, subscribeMessage(WATCH, { uid: token })], own },
    {
      name: 'variables of a wrong type',
      messages: [init, subscribeMessage(WATCH, { uid: [token] })],
      own,
    },
    { name: 'a query', messages: [init, subscribeMessage(UPLOADS)] },
    {
      name: 'an operation twice',
      // The first must still run when the second arrives.
      messages: [init, subscribeMessage(CHANGES), subscribeMessage(CHANGES)],
    },
    { name: 'a message that is too large', messages: [init, token.repeat(2000)], own },
    {
      name: 'a token in the URL',
      messages: [init, subscribeMessage('{ x }')],
      query: `?token=${token}`,
    },
    { name: 'another origin', messages: [], origin: 'https://elsewhere.example.com' },
    { name: 'another protocol', messages: [init], protocol: 'graphql-ws' },
  ]
  return Promise.all(
    conversations.map(async (each) => `${each.name}: ${await converse(client, each)}`),
  )
}

/** Sends malformed HTTP requests that contain a token. */
export async function sendRawRequests(client: RecordingClient, token: string): Promise<void> {
  const { hostname, port } = new URL(client.url)
  const requests = [
    `GET /?token=${token} HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n`,
    `GET ${token} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    `${token} / HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nAuthorization: ${token.repeat(200)}\r\nConnection: close\r\n\r\n`,
    `GET //${token}@[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    `POST /graphql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"query":"${token}`,
  ]
  for (const [index, bytes] of requests.entries()) {
    const response = await new Promise<string>((resolve, reject) => {
      const chunks: string[] = []
      const socket = connect(Number(port), hostname, () => socket.end(bytes))
      socket.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk))
      socket.on('close', () => resolve(chunks.join('')))
      socket.on('error', reject)
    })
    client.transcript.record(`raw request ${index}`, response)
  }
}
