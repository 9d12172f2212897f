/**
 * Responses that are sent before the request body has been received completely. The client must be able to
 * read them also if the connection closes after them: a close while the client is sending resets the connection.
 * https://www.rfc-editor.org/rfc/rfc9112#section-9.6
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type TestEmulator, startTestEmulator } from '../kit/emulator.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { openRaw, rawRequest } from '../kit/raw-client.ts'
import { serveInTest, startTestServer } from '../kit/served-gateway.ts'
import { openRequest } from '../emulator/kit/raw-request.ts'
import { createStreamClient } from '../emulator/kit/stream-client.ts'

/** More than the send and receive buffers of a connection hold. */
const BODY_BYTES = 16_000_000
const BODY = Buffer.alloc(BODY_BYTES, 'v')

/** Each row is repeated: a lost response depends on timing. */
const REPEATS = 8

type Headers = Readonly<Record<string, string>>

interface Rejected {
  readonly url: string
  readonly method: string
  readonly headers: Headers
}

/** Sends the whole body before it reads anything. Returns the status line, or the error of the connection. */
async function statusAfterSending({ url, method, headers }: Rejected, version: string) {
  const { hostname, port, pathname, search } = new URL(url)
  const socket = connect({ port: Number(port), host: hostname })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  const sent = { host: 'localhost', 'content-length': String(BODY_BYTES), ...headers }
  const close = version === '1.0' ? {} : { connection: 'close' }
  const lines = Object.entries({ ...sent, ...close }).map(([name, value]) => `${name}: ${value}`)
  const head = [`${method} ${pathname}${search} HTTP/${version}`, ...lines, '', ''].join('\r\n')
  return new Promise<string>((resolve) => {
    let received = ''
    socket.on('error', (error) => resolve(String(error)))
    socket.write(head)
    socket.write(BODY, () => {
      socket.on('data', (bytes) => {
        received += bytes.toString('latin1')
      })
      socket.once('end', () => resolve(received.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length)))
    })
  })
}

/** Sends the same with Node's client, which reads while it sends. */
async function statusWhileSending({ url, method, headers }: Rejected) {
  const length = { 'content-length': String(BODY_BYTES) }
  const { request, response } = openRequest(url, method, { ...length, ...headers })
  request.end(BODY)
  return response.then(({ status }) => String(status), String)
}

async function statusesOf(rejected: () => Promise<Rejected>): Promise<string[]> {
  const statuses: string[] = []
  for (let count = 0; count < REPEATS; count += 1) {
    statuses.push(await statusAfterSending(await rejected(), '1.0'))
    statuses.push(await statusAfterSending(await rejected(), '1.1'))
    statuses.push(await statusWhileSending(await rejected()))
  }
  return [...new Set(statuses)].toSorted()
}

const API = '/client/v4/accounts/local/stream'
const TOKEN = { authorization: 'Bearer local-token' }
const TUS = { 'tus-resumable': '1.0.0' }
const CHUNK = { ...TUS, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' }
const FORM = { 'content-type': 'multipart/form-data; boundary=x' }
const JSON_TYPE = { 'content-type': 'application/json' }

async function tusUrl(emulator: TestEmulator): Promise<string> {
  return (await createStreamClient(emulator).mintTus(BODY_BYTES)).uploadURL
}

async function basicUrl(emulator: TestEmulator): Promise<string> {
  const minted = await createStreamClient(emulator).mintBasic({ maxDurationSeconds: 1 })
  return minted.uploadURL
}

const emulatorRows: readonly [string, string, (emulator: TestEmulator) => Promise<Rejected>][] = [
  [
    'an unknown path',
    '404',
    async ({ url }) => ({ url: `${url}/nothing`, method: 'POST', headers: {} }),
  ],
  [
    'a wrong token',
    '401',
    async ({ url }) => ({ url: `${url}${API}/direct_upload`, method: 'POST', headers: {} }),
  ],
  [
    'a page of another origin',
    '403',
    async ({ url }) => ({
      url: `${url}${API}/direct_upload`,
      method: 'POST',
      headers: { ...TOKEN, origin: 'https://a.example' },
    }),
  ],
  [
    'a JSON body that is too large',
    '413',
    async ({ url }) => ({ url: `${url}${API}/direct_upload`, method: 'POST', headers: TOKEN }),
  ],
  [
    'a control request that is not JSON',
    '415',
    async ({ url }) => ({ url: `${url}/__emulator/clock`, method: 'POST', headers: FORM }),
  ],
  [
    'a creation above the storage limit',
    '413',
    async ({ url }) => ({
      url: `${url}${API}?direct_user=true`,
      method: 'POST',
      // 10 hours.
      headers: {
        ...TOKEN,
        ...TUS,
        'upload-length': '1',
        'upload-metadata': 'maxDurationSeconds MzYwMDA=',
      },
    }),
  ],
  [
    'a method that a tus URL does not have',
    '405',
    async (emulator) => ({ url: await tusUrl(emulator), method: 'PUT', headers: CHUNK }),
  ],
  [
    'no tus version',
    '412',
    async (emulator) => ({ url: await tusUrl(emulator), method: 'PATCH', headers: {} }),
  ],
  [
    'another Content-Type',
    '415',
    async (emulator) => ({ url: await tusUrl(emulator), method: 'PATCH', headers: TUS }),
  ],
  [
    'a wrong offset',
    '409',
    async (emulator) => ({
      url: await tusUrl(emulator),
      method: 'PATCH',
      headers: { ...CHUNK, 'upload-offset': '5' },
    }),
  ],
  [
    'a chunk that is too large',
    '413',
    async (emulator) => ({
      url: (await createStreamClient(emulator).mintTus(10_000)).uploadURL,
      method: 'PATCH',
      headers: CHUNK,
    }),
  ],
  [
    'an expired URL',
    '410',
    async (emulator) => {
      const url = await tusUrl(emulator)
      await emulator.advanceClock(86_400)
      return { url, method: 'PATCH', headers: CHUNK }
    },
  ],
  [
    'a fault',
    '503',
    async (emulator) => {
      await emulator.fault({ on: 'tus_patch', status: 503 })
      return { url: await tusUrl(emulator), method: 'PATCH', headers: CHUNK }
    },
  ],
  [
    'an unknown expectation',
    '404',
    async ({ url }) => ({
      url: `${url}/nothing`,
      method: 'POST',
      headers: { expect: 'a miracle' },
    }),
  ],
  [
    'a basic URL that does not exist',
    '404',
    async ({ url }) => ({ url: `${url}/${'0'.repeat(32)}`, method: 'POST', headers: FORM }),
  ],
  [
    'a form that is malformed',
    '400',
    async (emulator) => ({ url: await basicUrl(emulator), method: 'POST', headers: {} }),
  ],
]

describe('the emulator', () => {
  it.each(emulatorRows)(
    'has its response to %s read',
    async (_name, status, rejected) => {
      const emulator = await startTestEmulator({ storageMinutes: 100 })
      expect(await statusesOf(async () => rejected(emulator))).toEqual([status])
    },
    60_000,
  )
})

const authorization = `Bearer ${await tokenFor('ada')}`

const gatewayRows: readonly [string, readonly string[], string, string, Headers][] = [
  ['an unknown path', ['404'], 'POST', '/nothing', {}],
  ['a creation without a token', ['401'], 'POST', '/tus', TUS],
  ['a creation without a tus version', ['412'], 'POST', '/tus', {}],
  ['a creation with file data', ['400'], 'POST', '/tus', { ...TUS, authorization }],
  ['a PATCH of the creation endpoint', ['405'], 'PATCH', '/tus', CHUNK],
  [
    'a GraphQL request that is too large',
    ['413'],
    'POST',
    '/graphql',
    { ...JSON_TYPE, authorization },
  ],
  ['a GraphQL request of another type', ['415'], 'POST', '/graphql', { ...FORM, authorization }],
  ['a webhook without a signature', ['401'], 'POST', '/webhooks/stream', JSON_TYPE],
  // HTTP/1.0 has no expectations.
  ['an unknown expectation', ['404', '417'], 'POST', '/nothing', { expect: 'a miracle' }],
]

describe('the gateway', () => {
  it.each(gatewayRows)(
    'has its response to %s read',
    async (_name, statuses, method, path, headers) => {
      const { url } = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
      expect(await statusesOf(async () => ({ url: `${url}${path}`, method, headers }))).toEqual(
        statuses,
      )
    },
    60_000,
  )

  it('has its response while it starts read', async () => {
    const { url } = await startTestServer()
    expect(await statusesOf(async () => ({ url, method: 'POST', headers: {} }))).toEqual(['503'])
  }, 60_000)

  it('disconnects a client that sends a body without end', async () => {
    const timeouts = {
      headersMs: 1000,
      requestMs: 1000,
      stalledMs: 30_000,
      readMs: 30_000,
      shutdownMs: 3000,
    }
    const gateway = { fetch: async () => new Response(null, { status: 404 }) }
    const server = await serveInTest(gateway, { timeouts })
    const client = await openRaw(server.url)
    const { socket } = client
    const headers = { 'transfer-encoding': 'chunked', connection: 'close' }
    socket.write(rawRequest('POST /nothing', headers))
    expect(await client.until('\r\n\r\n')).toContain('HTTP/1.1 404')
    const sendMore = (): void => {
      socket.write(`10000\r\n${'v'.repeat(0x1_00_00)}\r\n`, () => setImmediate(sendMore))
    }
    sendMore()
    expect(await client.closed()).toContain('HTTP/1.1 404')
  })
})
