/** `POST /webhooks/stream` over HTTP: what is accepted, what is rejected, and what is logged. */
import { createHmac } from 'node:crypto'
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { text } from 'node:stream/consumers'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted, watchToEnd } from '../kit/operations.ts'

const PATH = '/webhooks/stream'
const SECRET = 'a secret of this test'
const MAX_BYTES = 256 * 1024

interface TestRequest {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string
  /** Sent without Content-Length. */
  readonly isChunked?: boolean
}

interface TestResponse {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Sends with `node:http`: `fetch` does not send such Host headers or duplicate headers. */
function send(url: string, sent: TestRequest): Promise<TestResponse> {
  const { method = 'POST', headers = {}, body = '', isChunked = false } = sent
  const length = isChunked || method !== 'POST' ? {} : { 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${url}${PATH}`,
      { method, headers: { ...length, ...headers }, agent: false },
      (response) => {
        const { statusCode: status, headers: received } = response
        text(response)
          .then((whole) => resolve({ status, headers: received, body: whole }))
          .catch(reject)
      },
    )
    outgoing.on('error', reject)
    if (isChunked) outgoing.write(body)
    outgoing.end(isChunked ? '' : body)
  })
}

const webhook = (uid: string, percent = 39): string =>
  JSON.stringify({
    uid,
    readyToStream: true,
    status: { state: 'ready', pctComplete: `${percent}.000000` },
    meta: { name: 'schräg' },
  })

function signed(body: string, secret = SECRET, at = Date.now()): TestRequest & { headers: object } {
  const time = Math.floor(at / 1000)
  const digest = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')
  return { headers: { 'webhook-signature': `time=${time},sig1=${digest}` }, body }
}

const withHeaders = (sent: TestRequest, headers: OutgoingHttpHeaders): TestRequest => ({
  ...sent,
  headers: { ...sent.headers, ...headers },
})

/** A JSON body of exactly this many bytes. */
function paddedWebhook(uid: string, bytes: number): string {
  const empty = JSON.stringify({ uid, pad: '' })
  return JSON.stringify({ uid, pad: 'x'.repeat(bytes - empty.length) })
}

const SIGNATURE = 'webhook-signature'

/** Requests about one upload, in this order, and the status of each response. */
const cases: readonly (readonly [
  name: string,
  status: number,
  request: (uid: string) => TestRequest,
])[] = [
  ['wrong signature', 401, (uid) => signed(webhook(uid), 'another secret')],
  ['signed too long ago', 401, (uid) => signed(webhook(uid), SECRET, Date.now() - 302_000)],
  ['signed in the future', 401, (uid) => signed(webhook(uid), SECRET, Date.now() + 302_000)],
  ['no signature', 401, (uid) => ({ body: webhook(uid) })],
  ['malformed signature', 401, (uid) => withHeaders(signed(webhook(uid)), { [SIGNATURE]: 'x' })],
  [
    'two signatures',
    401,
    (uid) => withHeaders(signed(webhook(uid)), { [SIGNATURE]: ['time=1,sig1=a', 'time=1,sig1=b'] }),
  ],
  ['malformed JSON', 400, () => signed('{"state":')],
  ['no video', 400, () => signed('{"state":"ready"}')],
  ['empty body', 400, () => signed('')],
  ['largest body', 200, (uid) => signed(paddedWebhook(uid, MAX_BYTES))],
  ['body one byte too large', 413, (uid) => signed(paddedWebhook(uid, MAX_BYTES + 1))],
  [
    'chunked body one byte too large',
    413,
    (uid) => ({ ...signed(paddedWebhook(uid, MAX_BYTES + 1)), isChunked: true }),
  ],
  ['unsigned largest body', 401, () => ({ body: 'x'.repeat(MAX_BYTES) })],
  ['unknown uid', 200, (uid) => signed(webhook(uid.replace(/.{4}$/, '0000')))],
  ['webhook', 200, (uid) => signed(webhook(uid))],
  ['repeated webhook', 200, (uid) => signed(webhook(uid))],
  ['chunked body', 200, (uid) => ({ ...signed(webhook(uid, 40)), isChunked: true })],
  [
    'content type of text',
    200,
    (uid) => withHeaders(signed(webhook(uid, 41)), { 'content-type': 'text/plain' }),
  ],
  [
    'content type of a form',
    200,
    (uid) =>
      withHeaders(signed(webhook(uid, 42)), { 'content-type': 'multipart/form-data; boundary=x' }),
  ],
  [
    'content encoding',
    200,
    (uid) => withHeaders(signed(webhook(uid, 43)), { 'content-encoding': 'identity' }),
  ],
  [
    'page of another origin',
    200,
    (uid) => withHeaders(signed(webhook(uid)), { origin: 'https://a.example' }),
  ],
  [
    'request id of an untrusted client',
    200,
    (uid) => withHeaders(signed(webhook(uid)), { 'x-request-id': 'mine' }),
  ],
  [
    'host that is not allowed',
    421,
    (uid) => withHeaders(signed(webhook(uid)), { host: 'evil.example.com' }),
  ],
  ['malformed host', 400, (uid) => withHeaders(signed(webhook(uid)), { host: 'a b' })],
  ['GET', 405, () => ({ method: 'GET' })],
  ['HEAD', 405, () => ({ method: 'HEAD' })],
  ['PUT', 405, () => ({ method: 'PUT' })],
]

/** A gateway whose webhook secret the test knows. */
async function start(): Promise<TestGateway> {
  const { emulator } = await startTestGateway()
  return startTestGateway({
    CLOUDFLARE_ACCOUNT_ID: 'local',
    CLOUDFLARE_API_TOKEN: 'local-token',
    CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
    STREAM_WEBHOOK_SECRET: SECRET,
    AUTH_DISABLED: 'true',
  })
}

/** Statuses of the responses in the access log. */
function loggedStatuses({ logs }: TestGateway): unknown[] {
  return logs
    .filter(({ message }) => message === 'request completed' || message === 'request rejected')
    .flatMap(({ fields }) =>
      'path' in fields && fields.path === PATH && 'status' in fields ? [fields.status] : [],
    )
}

describe('POST /webhooks/stream', () => {
  it('applies signed webhooks and rejects everything else', async () => {
    const gateway = await start()
    const { uid } = expectMinted(await createDirectUpload(gateway.as()))
    const statuses: unknown[] = []
    for (const [name, status, requestFor] of cases) {
      const response = await send(gateway.url, requestFor(uid))
      expect([name, response.status]).toEqual([name, status])
      expect(response.headers['x-request-id']).toMatch(/^[\da-f]{8}-\w+$/)
      expect(response.headers).toMatchObject({
        'content-type': 'text/plain; charset=utf-8',
        'x-content-type-options': 'nosniff',
      })
      // A host that is not allowed reaches no endpoint.
      if (!/host/.test(name)) statuses.push(status)
    }
    expect(loggedStatuses(gateway)).toEqual(statuses)
    const rejections = gateway.logs.filter(({ message }) => message === 'webhook rejected')
    expect(rejections).toHaveLength(10)
    const [state] = await watchToEnd(gateway.as(), uid)
    expect(state).toMatchObject({ status: 'READY', version: 6 })
  })

  it('responds 500, so that Stream sends the webhook again, if the gateway fails', async () => {
    const gateway = await start()
    new Database(gateway.databaseFile).exec('alter table uploads rename to gone').close()
    const response = await send(gateway.url, signed(webhook('0'.repeat(32))))
    expect(response.status).toBe(500)
    const requestId = response.headers['x-request-id']
    expect(response.body).toBe(`Unexpected error. Report this request id: ${String(requestId)}\n`)
    expect(gateway.logs).toContainEqual({
      level: 'error',
      message: 'unexpected error',
      fields: { requestId, err: expect.objectContaining({ message: expect.any(String) }) },
    })
  })
})
