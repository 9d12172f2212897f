/** Input families for /webhooks/stream: forged signatures, and signed bodies with unusual content. */
import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { type RequestInput, type Header, requestInput } from './input.ts'
import {
  broken,
  deepList,
  deepObject,
  magnitude,
  oddJSON,
  oddTimestamp,
  oddText,
} from './edge-values.ts'
import type { Fixtures } from './fixtures.ts'

const PATH = '/webhooks/stream'
const nowInSeconds = (): number => Math.floor(Date.now() / 1000)

function sign(secret: string, time: string, body: string | Buffer): string {
  return createHmac('sha256', secret).update(`${time}.`).update(body).digest('hex')
}

function webhookOf(uid: string): string {
  return JSON.stringify({ uid, readyToStream: true, status: { state: 'error', pctComplete: '1' } })
}

const TIMES = [
  '-1',
  '0',
  '1e20',
  '1.5',
  'NaN',
  '',
  '99999999999',
  '999999999999',
  '0x10',
  '+1',
  '٣',
] as const

interface Forgery {
  readonly now: string
  readonly secret: string
  readonly body: string
  readonly time: string
  readonly noise: string
}

/** Signature headers that Stream never sends; the gateway must reject all of them. */
const FORGERIES: readonly ((forgery: Forgery) => string)[] = [
  ({ now, secret, body }) => `time=${now},sig1=${sign(`${secret}x`, now, body)}`,
  ({ now, body }) => `time=${now},sig1=${sign('', now, body)}`,
  ({ now, secret, body }) => `time=${now},sig1=${sign(secret, now, `${body} `)}`,
  ({ now, secret, body, time }) => `time=${time},sig1=${sign(secret, now, body)}`,
  ({ secret, body, time }) => `time=${time},sig1=${sign(secret, time, body)}`,
  ({ now, secret, body }) => `time=${now},time=${now},sig1=${sign(secret, now, body)}`,
  ({ now, secret, body }) => `time=${now},sig1=${'0'.repeat(64)},sig1=${sign(secret, now, body)}`,
  ({ now, secret, body }) => `time=${now},sig1=${sign(secret, now, body).slice(1)}`,
  ({ now, secret, body }) => `time=${now},sig1=${sign(secret, now, body)}0`,
  ({ now, secret, body }) => `time=${now},sig2=${sign(secret, now, body)}`,
  ({ now, secret, body }) => `TIME=${now},SIG1=${sign(secret, now, body)}`,
  ({ now, secret, body }) => `time=${now};sig1=${sign(secret, now, body)}`,
  ({ now, secret, body }) => `time=${now},sig1==${sign(secret, now, body)}`,
  ({ now, secret, body }) => `time=${now},sig1=${sign(secret, now, body).replace(/^./, 'g')}`,
  ({ now, noise }) => `time=${now},sig1=${noise}`,
  ({ noise }) => noise,
  ({ now }) => `time=${now},sig1=`,
  ({ now }) => `time=${now}`,
  ({ noise }) => `${'x=y,'.repeat(2000)}${noise}`,
  ({ now, noise }) => `time=${now},sig1=${Buffer.from(noise).toString('hex').padEnd(64, 'f')}`,
]

/** Webhooks with invalid signatures and a body that would change an upload. */
export function forgedWebhooks({ webhookSecret, uids }: Fixtures): fc.Arbitrary<RequestInput> {
  return fc
    .record({
      forge: fc.option(fc.constantFrom(...FORGERIES), { freq: 20 }),
      uid: fc.constantFrom(...uids),
      time: fc.constantFrom(...TIMES),
      noise: fc.oneof(
        oddText,
        magnitude(2000).map((size) => 'f'.repeat(size)),
      ),
      encoding: fc.option(fc.constantFrom('gzip', 'identity'), { freq: 1 }),
      hasSecondSignature: fc.integer({ min: 0, max: 9 }).map((number) => number === 0),
    })
    .map(({ forge, uid, time, noise, encoding, hasSecondSignature }) => {
      const body = webhookOf(uid)
      const forgery = { now: String(nowInSeconds()), secret: webhookSecret, body, time, noise }
      const signature = forge === null ? null : forge(forgery)
      const headers: Header[] = signature === null ? [] : [['Webhook-Signature', signature]]
      // Node joins two headers with a comma.
      if (hasSecondSignature && signature !== null) headers.push(['Webhook-Signature', signature])
      if (encoding !== null) headers.push(['Content-Encoding', encoding])
      return requestInput({ path: PATH, headers, body })
    })
}

const FIELDS = [
  ['readyToStream', 'readyToStreamAt', 'status', 'size', 'duration', 'input', 'playback', 'meta'],
  ['thumbnail', 'preview', 'creator', 'maxDurationSeconds', 'created', 'modified', 'uploadExpiry'],
  ['uid', '__proto__', 'constructor', 'allowedOrigins', 'x'],
].flat()

const state = fc.constantFrom(
  ...[
    ['"ready"', '"error"', '"queued"', '"inprogress"', '"pendingupload"', '"downloading"'],
    ['"live-inprogress"', '"READY"', '""', 'null', '1', '[]', '{"toString":1}'],
  ].flat(),
)
const status = fc
  .tuple(state, oddJSON, oddJSON, oddJSON)
  .map(
    ([now, percent, code, text]) =>
      `{"state":${now},"pctComplete":${percent},"errorReasonCode":${code},"errReasonText":${text}}`,
  )

/** Values that are valid for some field, and values that are valid for none. */
const fieldValue = fc.oneof(
  oddJSON,
  status,
  oddTimestamp.map((timestamp) => JSON.stringify(timestamp)),
  fc.constantFrom(
    '"NaN"',
    '"1e999"',
    '"39.000000"',
    '-1',
    '1e308',
    '"javascript:alert(1)"',
    '"https://x"',
  ),
  fc.tuple(oddJSON, oddJSON).map(([a, b]) => `{"width":${a},"height":${b},"hls":${a},"dash":${b}}`),
)

function oddWebhook(uids: Fixtures['uids']): fc.Arbitrary<string> {
  const uid = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...uids).map((text) => JSON.stringify(text)) },
    {
      weight: 2,
      arbitrary: fc
        .string({
          unit: fc.constantFrom(...'0123456789abcdef'.split('')),
          minLength: 32,
          maxLength: 32,
        })
        .map((text) => JSON.stringify(text)),
    },
    { weight: 2, arbitrary: oddJSON },
    { weight: 1, arbitrary: magnitude(5000).map((size) => JSON.stringify('f'.repeat(size))) },
  )
  return fc
    .tuple(
      uid,
      status,
      fc.array(fc.tuple(fc.constantFrom(...FIELDS), fieldValue), { maxLength: 6 }),
    )
    .map(([id, statusText, pairs]) => {
      const fields = pairs.map(([key, value]) => `,"${key}":${value}`).join('')
      return `{"uid":${id},"status":${statusText}${fields}}`
    })
}

/** Webhooks with unusual bodies and a valid signature. */
export function signedWebhooks({ webhookSecret, uids }: Fixtures): fc.Arbitrary<RequestInput> {
  const webhook = oddWebhook(uids)
  const body: fc.Arbitrary<string | Buffer> = fc.oneof(
    { weight: 40, arbitrary: webhook },
    {
      weight: 6,
      arbitrary: broken(webhook, ['{', '}', '"', '\0', ',', ':', '[', 'null', '\uFEFF', '\\']),
    },
    { weight: 3, arbitrary: oddJSON },
    { weight: 3, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
    { weight: 2, arbitrary: webhook.map((text) => `\uFEFF${text}`) },
    {
      weight: 1,
      arbitrary: magnitude(80_000).map((depth) => `{"uid":"a","meta":${deepList(depth)}}`),
    },
    { weight: 1, arbitrary: magnitude(40_000).map(deepObject) },
    { weight: 1, arbitrary: magnitude(300_000).map((size) => ' '.repeat(size)) },
  )
  return fc
    .tuple(
      body,
      fc.constantFrom('sig1', 'sig1', 'sig1', 'upper'),
      fc.constantFrom('application/json', 'text/plain', ''),
    )
    .map(([content, form, type]) => {
      const time = String(nowInSeconds())
      const signed = sign(webhookSecret, time, content)
      const digest = form === 'upper' ? signed.toUpperCase() : signed
      return requestInput({
        path: PATH,
        headers: [
          ['Webhook-Signature', `time=${time},sig1=${digest}`],
          ['Content-Type', type],
        ],
        body: content,
      })
    })
}
