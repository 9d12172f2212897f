/** Stream's notices: what is proven, what is not, and that nothing unproven is ever read. */
import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { verifyHmac } from '../../src/node/verify-hmac.ts'
import { verifyWebhook, type SignedRequest } from '../../src/http/webhooks/verify-webhook.ts'
import { readVideo } from '../../src/stream/read-video.ts'
import { createWebCryptoHmac } from '../../src/http/webhooks/hmac.ts'

const secret = '85011ed3a913c6ad5f9cf6c5573cc0a7'
const uid = 'dd5d531a12de0c724bd1275a3b2bc9c6'
const body = `{"uid":"${uid}","readyToStream":true,"status":{"state":"ready"}}`
const digest = '8ea5112f08034d4823b6a997f7b66c68366929b4441940259360189d7c1ae51b'
const time = 1_230_811_200
const now = new Date(time * 1000)

const ways = [
  { way: 'Web Crypto', isSigned: createWebCryptoHmac() },
  { way: 'Node', isSigned: verifyHmac },
] as const

describe.each(ways)('by $way', ({ isSigned }) => {
  const genuine: SignedRequest = {
    rawBody: bytes(body),
    signature: `time=${time},sig1=${digest}`,
    secrets: [secret],
    now,
    readVideo: (text) => readVideo(JSON.parse(text)),
    isSigned,
  }

  describe('genuine', () => {
    test('the known vector', async () => {
      expect(await verifyWebhook(genuine)).toMatchObject({
        kind: 'verified',
        video: { uid, state: 'ready', readyToStream: true },
        signedAt: now,
      })
    })

    test.each<[string, Partial<SignedRequest>]>([
      ['upper-case hex', { signature: `time=${time},sig1=${digest.toUpperCase()}` }],
      ['blanks and other pairs', { signature: ` sig1=${digest} , v=2, time=${time}, sig2=` }],
      ['the older of two secrets', { secrets: ['new', secret] }],
      ['the newer of two secrets', { secrets: [secret, '', 'old'] }],
      ['5 minutes late', { now: new Date((time + 300) * 1000) }],
      ['5 minutes early', { now: new Date((time - 300) * 1000) }],
      ['hours late, where that is allowed', { now: later(3600), toleranceSeconds: 3600 }],
      ['a view into a larger buffer', { rawBody: bytes(`xx${body}yy`).subarray(2, -2) }],
    ])('%s', async (_name, change) => {
      expect(await verifyWebhook({ ...genuine, ...change })).toMatchObject({ kind: 'verified' })
    })

    test('a failure in the spelling of the documentation of webhooks', async () => {
      const status = { state: 'error', errReasonCode: 'ERR_MALFORMED_VIDEO', errReasonText: 'x' }
      const outcome = await verifyWebhook(signed(JSON.stringify({ uid, status })))
      const failure = { code: 'ERR_MALFORMED_VIDEO', message: 'x' }
      expect(outcome).toMatchObject({ kind: 'verified', video: { state: 'error', failure } })
    })
  })

  describe('unsigned', () => {
    test.each<[string, Partial<SignedRequest>]>([
      ['no header', { signature: null }],
      ['no secret', { secrets: [] }],
      ['an empty secret', { secrets: [''], signature: sign(body, time, '') }],
      ['another secret', { secrets: ['85011ed3a913c6ad5f9cf6c5573cc0a8'] }],
      ['another body', { rawBody: bytes(body.replace('true', 'TRUE')) }],
      ['a body written anew', { rawBody: bytes(JSON.stringify(JSON.parse(body), null, 1)) }],
      ['no body', { rawBody: bytes('') }],
      ['5 minutes and a bit late', { now: later(300.001) }],
      ['5 minutes and a bit early', { now: later(-300.001) }],
      ['a clock that is none', { now: new Date(Number.NaN) }],
      ['another time', { signature: `time=${time + 1},sig1=${digest}` }],
    ])('%s', async (_name, change) => {
      expect(await verifyWebhook({ ...genuine, ...change })).toMatchObject({
        kind: 'invalid_signature',
      })
    })

    test.each([
      '',
      ',',
      '=',
      'time',
      `time=${time}`,
      `sig1=${digest}`,
      `time=${time};sig1=${digest}`,
      `time=${time},sig1=`,
      `time=${time},sig1=${digest.slice(1)}`,
      `time=${time},sig1=${digest}0`,
      `time=${time},sig1=${digest.replace('8', 'g')}`,
      `time=${time},sig1=${digest}=`,
      `time=${time},sig1=${digest},sig1=${digest}`,
      `time=${time},time=${time},sig1=${digest}`,
      `Time=${time},Sig1=${digest}`,
      `time=${time}\u0000,sig1=${digest}`,
      `time=${time},sig1=${digest}${','.repeat(2000)}`,
    ])('a header like %j', async (signature) => {
      expect(await verifyWebhook({ ...genuine, signature })).toMatchObject({
        kind: 'invalid_signature',
      })
    })

    // Each of these is signed properly over the odd time itself: it is the time that is refused.
    test.each(['-1', '1e20', `${time}.0`, `+${time}`, '', 'NaN', '9'.repeat(12), '0x495d', '١'])(
      'a time like %j',
      async (odd) => {
        const signature = sign(body, odd, secret)
        expect(await verifyWebhook({ ...genuine, signature })).toMatchObject({
          kind: 'invalid_signature',
        })
      },
    )

    test('no header makes the reader throw or believe', async () => {
      const piece = fc.constantFrom('time', 'sig1', '=', ',', `${time}`, digest, ' ', '-', '0', 'é')
      const header = fc.oneof(fc.string({ unit: piece }), fc.string({ unit: 'binary' }))
      const rawBody = bytes(body.replace('ready', 'error'))
      await fc.assert(
        fc.asyncProperty(header, async (signature) => {
          const outcome = await verifyWebhook({ ...genuine, rawBody, signature })
          expect(outcome.kind).toBe('invalid_signature')
        }),
      )
    })

    test('no other byte is believed', async () => {
      const place = fc.nat({ max: body.length - 1 })
      await fc.assert(
        fc.asyncProperty(place, fc.integer({ min: 1, max: 255 }), async (index, flip) => {
          const rawBody = bytes(body)
          rawBody[index] = (rawBody[index] ?? 0) ^ flip
          expect((await verifyWebhook({ ...genuine, rawBody })).kind).toBe('invalid_signature')
        }),
      )
    })

    test('the reason quotes nothing', async () => {
      const signature = `time=${time},sig1=${'ab'.repeat(32)}`
      expect(await verifyWebhook({ ...genuine, signature })).toEqual({
        kind: 'invalid_signature',
        reason: 'the signature matches no configured secret',
      })
    })
  })

  describe('malformed', () => {
    test.each(['', '{', 'null', '[]', '1', '{}', '{"uid":7}', '{"uid":"a/b"}', `["${uid}"]`])(
      'signed, and yet no video: %j',
      async (text) => {
        expect(await verifyWebhook(signed(text))).toMatchObject({ kind: 'malformed' })
      },
    )

    test('what is not UTF-8', async () => {
      const rawBody = Uint8Array.of(0x22, 0xff, 0x22)
      const signature = sign(rawBody, time, secret)
      const outcome = await verifyWebhook({ ...genuine, rawBody, signature })
      expect(outcome).toMatchObject({ kind: 'malformed' })
    })
  })
  function signed(text: string): SignedRequest {
    return { ...genuine, rawBody: bytes(text), signature: sign(text, time, secret) }
  }
})

describe('both ways to verify', () => {
  test('agree on any secret, source and digest, and believe the right one only', async () => {
    // One byte of the right digest is changed; by nothing, where it stays the right one.
    const change = fc.record({ at: fc.nat({ max: 31 }), flip: fc.integer({ min: 0, max: 255 }) })
    const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 })
    await fc.assert(
      fc.asyncProperty(
        key,
        fc.uint8Array({ maxLength: 300 }),
        fc.option(change),
        async (secretKey, made, changed) => {
          const source = Uint8Array.from(made)
          const given = digestOf(secretKey, source)
          const { at, flip } = changed ?? { at: 0, flip: 0 }
          given[at] = (given[at] ?? 0) ^ flip
          for (const { isSigned } of ways)
            expect(await isSigned(secretKey, source, given)).toBe(flip === 0)
        },
      ),
    )
  })

  test('know a secret again after many others', async () => {
    const isSigned = createWebCryptoHmac()
    const source = Uint8Array.from(bytes('source'))
    const secrets = Array.from({ length: 20 }, (_none, count) => `secret ${count}`)
    for (const one of [...secrets, ...secrets]) {
      expect(await isSigned(one, source, digestOf(one, source))).toBe(true)
      expect(await isSigned(`${one}0`, source, digestOf(one, source))).toBe(false)
    }
  })
})

function digestOf(key: string, source: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(createHmac('sha256', key).update(source).digest())
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function later(seconds: number): Date {
  return new Date((time + seconds) * 1000)
}

function sign(over: string | Uint8Array, at: number | string, key: string): string {
  const hex = createHmac('sha256', key).update(`${at}.`).update(over).digest('hex')
  return `time=${at},sig1=${hex}`
}
