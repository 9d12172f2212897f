/** Notices by the fast lane and by the long way: which of them goes where, and that nobody can tell. */
import { createHmac } from 'node:crypto'
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { BlockList } from 'node:net'
import { text } from 'node:stream/consumers'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type ServedGateway, startHttpServer } from '../../src/node/server/http-server.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted, watchToEnd } from '../kit/operations.ts'

const PATH = '/webhooks/stream'
const SECRET = 'a secret of this test'

/** A request, but for the way that it goes. */
interface Sent {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string
  /** Without a length that is declared. */
  readonly isChunked?: boolean
}

interface Heard {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function exchange(url: string, path: string, sent: Sent): Promise<Heard> {
  const { method = 'POST', headers = {}, body = '', isChunked = false } = sent
  const length = isChunked || method !== 'POST' ? {} : { 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const asked = request(
      `${url}${path}`,
      { method, headers: { ...length, ...headers }, agent: false },
      (response) => {
        const { statusCode: status, headers: answered } = response
        text(response)
          .then((whole) => resolve({ status, headers: answered, body: whole }))
          .catch(reject)
      },
    )
    asked.on('error', reject)
    if (isChunked) asked.write(body)
    asked.end(isChunked ? '' : body)
  })
}

const webhook = (uid: string, percent = 39): string =>
  JSON.stringify({
    uid,
    readyToStream: true,
    status: { state: 'ready', pctComplete: `${percent}.000000` },
    meta: { name: 'schräg' },
  })

function signed(body: string, secret = SECRET, at = Date.now()): Sent & { headers: object } {
  const time = Math.floor(at / 1000)
  const digest = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')
  return { headers: { 'webhook-signature': `time=${time},sig1=${digest}` }, body }
}

const as = (sent: Sent, headers: OutgoingHttpHeaders): Sent => ({
  ...sent,
  headers: { ...sent.headers, ...headers },
})

/** What is sent about an upload, in this order, and what status it is answered with. */
const cases: readonly (readonly [name: string, status: number, sent: (uid: string) => Sent])[] = [
  ['a wrong signature', 401, (uid) => signed(webhook(uid), 'another secret')],
  ['a stale one', 401, (uid) => signed(webhook(uid), SECRET, Date.now() - 302_000)],
  ['one from the future', 401, (uid) => signed(webhook(uid), SECRET, Date.now() + 302_000)],
  ['no signature', 401, (uid) => ({ body: webhook(uid) })],
  [
    'a signature that is none',
    401,
    (uid) => as(signed(webhook(uid)), { 'webhook-signature': 'x' }),
  ],
  [
    'two signatures',
    401,
    (uid) => as(signed(webhook(uid)), { 'webhook-signature': ['time=1,sig1=a', 'time=1,sig1=b'] }),
  ],
  ['no JSON', 400, () => signed('{"state":')],
  ['no video', 400, () => signed('{"state":"ready"}')],
  ['nothing', 400, () => signed('')],
  ['too much', 413, (uid) => signed(JSON.stringify({ uid, pad: 'x'.repeat(300_000) }))],
  ['as much as may be', 401, () => ({ body: 'x'.repeat(256 * 1024) })],
  ['an unknown uid', 200, (uid) => signed(webhook(uid.replace(/.{4}$/, '0000')))],
  ['the notice', 200, (uid) => signed(webhook(uid))],
  ['a repeat', 200, (uid) => signed(webhook(uid))],
  ['a body in pieces', 200, (uid) => ({ ...signed(webhook(uid, 40)), isChunked: true })],
  [
    'the type of text',
    200,
    (uid) => as(signed(webhook(uid, 41)), { 'content-type': 'text/plain' }),
  ],
  [
    'the type of a form',
    200,
    (uid) => as(signed(webhook(uid, 42)), { 'content-type': 'multipart/form-data; boundary=x' }),
  ],
  ['an encoding', 200, (uid) => as(signed(webhook(uid, 43)), { 'content-encoding': 'identity' })],
  [
    'a page of another origin',
    200,
    (uid) => as(signed(webhook(uid)), { origin: 'https://a.example' }),
  ],
  ['a name that nobody trusts', 200, (uid) => as(signed(webhook(uid)), { 'x-request-id': 'mine' })],
  ['a Host that is another', 421, (uid) => as(signed(webhook(uid)), { host: 'evil.example.com' })],
  ['a Host that is none', 400, (uid) => as(signed(webhook(uid)), { host: 'a b' })],
  ['GET', 405, () => ({ method: 'GET' })],
  ['HEAD', 405, () => ({ method: 'HEAD' })],
  ['PUT', 405, () => ({ method: 'PUT' })],
]

async function start(): Promise<TestGateway> {
  const own = await startTestGateway()
  // An account as it were, whose secret is known here.
  return startTestGateway({
    CLOUDFLARE_ACCOUNT_ID: 'local',
    CLOUDFLARE_API_TOKEN: 'local-token',
    CLOUDFLARE_API_BASE_URL: own.emulator.apiBaseUrl,
    STREAM_WEBHOOK_SECRET: SECRET,
    AUTH_DISABLED: 'true',
  })
}

const OWN = new Set(['date', 'x-request-id', 'content-length', 'transfer-encoding'])

/** Without what is another in each answer, and how its end is told: by a length or by a last chunk. */
function common({ status, headers, body }: Heard): object {
  expect(headers['x-request-id']).toMatch(/^[\da-f]{8}-\w+$/)
  expect(headers.date).toBeTypeOf('string')
  const others = Object.entries(headers).filter(([name]) => !OWN.has(name))
  return { status, headers: new Map(others), body }
}

/** Lines about notices and their answers, without what is another in each. */
function linesOf({ logs }: TestGateway): object[] {
  return logs
    .filter(({ message }) => /webhook|request/.test(message))
    .map(({ level, fields, message }) => {
      const { requestId, uid, durationMs, path, ...others } = { ...fields, ...NOTHING }
      expect(requestId).not.toBe(uid)
      expect(durationMs === undefined).toBe(path === undefined)
      return { level, message, path, others }
    })
    .filter(({ path }) => path === undefined || path === PATH)
}
const NOTHING: Readonly<Record<string, unknown>> = {}

describe('the fast lane for notices', () => {
  it('answers, logs and records as the long way does', async () => {
    const ways = await Promise.all(
      // A query is not what Stream sends: it goes the long way.
      [PATH, `${PATH}?long`].map(async (path) => {
        const gateway = await start()
        const { uid } = expectMinted(await createDirectUpload(gateway.as()))
        const heard = new Map<string, object>()
        for (const [name, status, sent] of cases) {
          const answer = await exchange(gateway.url, path, sent(uid))
          expect([name, answer.status]).toEqual([name, status])
          heard.set(name, common(answer))
        }
        const [state] = await watchToEnd(gateway.as(), uid)
        const { status, version, progress } = { ...NOTHING, ...state }
        return { heard, upload: { status, version, progress }, lines: linesOf(gateway) }
      }),
    )
    const [fastPath, long] = ways
    expect(fastPath).toEqual(long)
    expect(fastPath?.upload).toMatchObject({ status: 'READY', version: 6 })
    expect(fastPath?.lines.length).toBeGreaterThan(cases.length)
  })

  it.each([PATH, `${PATH}?long`])(
    'tells Stream at %s to try again where the gateway fails',
    async (path) => {
      const gateway = await start()
      new Database(gateway.databaseFile).exec('alter table uploads rename to gone').close()
      const answer = await exchange(gateway.url, path, signed(webhook('0'.repeat(32))))
      expect(answer.status).toBe(500)
      const requestId = answer.headers['x-request-id']
      expect(answer.body).toBe(`Unexpected error. Report this request id: ${String(requestId)}\n`)
      expect(gateway.logs).toContainEqual({
        level: 'error',
        message: 'unexpected error',
        fields: { requestId, err: expect.objectContaining({ message: expect.any(String) }) },
      })
    },
  )

  it.each<[way: 'lane' | 'long', path: string, sent: Sent]>([
    ['lane', PATH, { body: 'x' }],
    ['lane', PATH, { body: 'x'.repeat(256 * 1024) }],
    ['long', PATH, { body: 'x'.repeat(256 * 1024 + 1) }],
    ['long', PATH, { body: '' }],
    ['long', PATH, { body: 'x', isChunked: true }],
    ['long', PATH, { method: 'PUT' }],
    ['long', PATH, { body: 'x', headers: { host: 'closed' } }],
    ['long', `${PATH}?a`, { body: 'x' }],
    ['long', `${PATH}/`, { body: 'x' }],
  ])('or the other way, %s: %s', async (way, path, sent) => {
    const listener = await startHttpServer({
      host: '127.0.0.1',
      port: 0,
      trustedProxies: new BlockList(),
    })
    onTestFinished(() => listener.close(0))
    const gateway: ServedGateway = {
      fetch: async () => new Response('long'),
      fastPath: {
        handle: () => null,
        learn: () => {},
        subscribe: () => null,
        learnSubscription: () => {},
      },
      webhookFastPath: {
        path: PATH,
        mostBytes: 256 * 1024,
        isOpenFor: (host) => host !== 'closed',
        answer: async () => ({ status: 200, headers: [], text: 'lane' }),
      },
      nextRequestId: () => 'one',
      hostResponses: { headers: () => [], record: () => {} },
      webSockets: { open: noSockets },
      allowedOrigins: new Set(),
    }
    const silence = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
    listener.serve(gateway, silence)
    expect((await exchange(listener.url, path, sent)).body).toBe(way)
  })
})

function noSockets(): never {
  throw new Error('No socket is opened here.')
}
