/** Webhook signatures: which are valid, which are not, and that unverified bodies are never parsed. */
import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { verifyWebhook, type SignedRequest } from '../../src/http/webhooks/verify-webhook.ts'
import { readVideo } from '../../src/stream/read-video.ts'
import { verifyHmac } from '../../src/http/webhooks/hmac.ts'

const secret = '85011ed3a913c6ad5f9cf6c5573cc0a7'
const uid = 'dd5d531a12de0c724bd1275a3b2bc9c6'
const body = `{"uid":"${uid}","readyToStream":true,"status":{"state":"ready"}}`
const digest = '8ea5112f08034d4823b6a997f7b66c68366929b4441940259360189d7c1ae51b'
const time = 1_230_811_200
const now = new Date(time * 1000)

describe('a webhook', () => {
  const valid: SignedRequest = {
    rawBody: bytes(body),
    signature: `time=${time},sig1=${digest}`,
    secrets: [secret],
    now,
    readVideo: (text) => readVideo(JSON.parse(text)),
  }

  describe('a valid signature', () => {
    test('the documented test vector', async () => {
      expect(await verifyWebhook(valid)).toMatchObject({
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
      ['a view into a larger buffer', { rawBody: bytes(`xx${body}yy`).subarray(2, -2) }],
    ])('%s', async (_name, change) => {
      expect(await verifyWebhook({ ...valid, ...change })).toMatchObject({ kind: 'verified' })
    })

    test('an error with the field names of the webhook documentation', async () => {
      const status = { state: 'error', errReasonCode: 'ERR_MALFORMED_VIDEO', errReasonText: 'x' }
      const outcome = await verifyWebhook(signed(JSON.stringify({ uid, status })))
      const failure = { code: 'ERR_MALFORMED_VIDEO', message: 'x' }
      expect(outcome).toMatchObject({ kind: 'verified', video: { state: 'error', failure } })
    })
  })

  describe('an invalid signature', () => {
    test.each<[string, Partial<SignedRequest>]>([
      ['no header', { signature: null }],
      ['no secret', { secrets: [] }],
      ['an empty secret', { secrets: [''], signature: sign(body, time, '') }],
      ['another secret', { secrets: ['85011ed3a913c6ad5f9cf6c5573cc0a8'] }],
      ['another body', { rawBody: bytes(body.replace('true', 'TRUE')) }],
      ['a body serialized again', { rawBody: bytes(JSON.stringify(JSON.parse(body), null, 1)) }],
      ['no body', { rawBody: bytes('') }],
      ['5 minutes and a bit late', { now: later(300.001) }],
      ['5 minutes and a bit early', { now: later(-300.001) }],
      ['an invalid clock', { now: new Date(Number.NaN) }],
      ['another time', { signature: `time=${time + 1},sig1=${digest}` }],
    ])('%s', async (_name, change) => {
      expect(await verifyWebhook({ ...valid, ...change })).toMatchObject({
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
    ])('the header %j', async (signature) => {
      expect(await verifyWebhook({ ...valid, signature })).toMatchObject({
        kind: 'invalid_signature',
      })
    })

    // Each signature is correct for its time: the time itself is rejected.
    test.each(['-1', '1e20', `${time}.0`, `+${time}`, '', 'NaN', '9'.repeat(12), '0x495d', '١'])(
      'the time %j',
      async (signedTime) => {
        const signature = sign(body, signedTime, secret)
        expect(await verifyWebhook({ ...valid, signature })).toMatchObject({
          kind: 'invalid_signature',
        })
      },
    )

    test('arbitrary headers neither throw nor verify', async () => {
      const piece = fc.constantFrom('time', 'sig1', '=', ',', `${time}`, digest, ' ', '-', '0', 'é')
      const header = fc.oneof(fc.string({ unit: piece }), fc.string({ unit: 'binary' }))
      const rawBody = bytes(body.replace('ready', 'error'))
      await fc.assert(
        fc.asyncProperty(header, async (signature) => {
          const outcome = await verifyWebhook({ ...valid, rawBody, signature })
          expect(outcome.kind).toBe('invalid_signature')
        }),
      )
    })

    test('a body with one changed byte is rejected', async () => {
      const position = fc.nat({ max: body.length - 1 })
      await fc.assert(
        fc.asyncProperty(position, fc.integer({ min: 1, max: 255 }), async (index, flip) => {
          const rawBody = bytes(body)
          rawBody[index] = (rawBody[index] ?? 0) ^ flip
          expect((await verifyWebhook({ ...valid, rawBody })).kind).toBe('invalid_signature')
        }),
      )
    })

    test('the reason contains no data of the request', async () => {
      const signature = `time=${time},sig1=${'ab'.repeat(32)}`
      expect(await verifyWebhook({ ...valid, signature })).toEqual({
        kind: 'invalid_signature',
        reason: 'the signature matches no configured secret',
      })
    })
  })

  describe('malformed', () => {
    test.each(['', '{', 'null', '[]', '1', '{}', '{"uid":7}', '{"uid":"a/b"}', `["${uid}"]`])(
      'a signed body that is not a video: %j',
      async (text) => {
        expect(await verifyWebhook(signed(text))).toMatchObject({ kind: 'malformed' })
      },
    )

    test('a body that is not UTF-8', async () => {
      const rawBody = Uint8Array.of(0x22, 0xff, 0x22)
      const signature = sign(rawBody, time, secret)
      const outcome = await verifyWebhook({ ...valid, rawBody, signature })
      expect(outcome).toMatchObject({ kind: 'malformed' })
    })
  })
  function signed(text: string): SignedRequest {
    return { ...valid, rawBody: bytes(text), signature: sign(text, time, secret) }
  }
})

describe('verifyHmac', () => {
  test('accepts only the correct digest for arbitrary secrets and data', async () => {
    // Flips bits of one digest byte; with a mask of 0 the digest stays correct.
    const change = fc.record({ at: fc.nat({ max: 31 }), flip: fc.integer({ min: 0, max: 255 }) })
    const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 })
    await fc.assert(
      fc.asyncProperty(
        key,
        fc.uint8Array({ maxLength: 300 }),
        fc.option(change),
        async (secretKey, data, changed) => {
          const source = Uint8Array.from(data)
          const candidate = digestOf(secretKey, source)
          const { at, flip } = changed ?? { at: 0, flip: 0 }
          candidate[at] = (candidate[at] ?? 0) ^ flip
          expect(await verifyHmac(secretKey, source, candidate)).toBe(flip === 0)
        },
      ),
    )
  })

  test('verifies with an earlier secret after 20 others', async () => {
    const source = Uint8Array.from(bytes('source'))
    const secrets = Array.from({ length: 20 }, (_none, count) => `secret ${count}`)
    for (const key of [...secrets, ...secrets]) {
      expect(await verifyHmac(key, source, digestOf(key, source))).toBe(true)
      expect(await verifyHmac(`${key}0`, source, digestOf(key, source))).toBe(false)
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

function sign(signedBody: string | Uint8Array, at: number | string, key: string): string {
  const hex = createHmac('sha256', key).update(`${at}.`).update(signedBody).digest('hex')
  return `time=${at},sig1=${hex}`
}
