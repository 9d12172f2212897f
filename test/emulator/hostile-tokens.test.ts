/** Arbitrary tokens, claims and bodies get a 4xx response; none is an internal error. */
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile } from '../kit/media.ts'
import { createApiKey, signText } from './kit/playback-tokens.ts'
import { openRequest } from './kit/raw-request.ts'
import { createStreamClient } from './kit/stream-client.ts'

async function start() {
  const failures: unknown[] = []
  const onError = (error: unknown) => failures.push(error)
  const emulator = await startTestEmulator({ encodeMs: 0, onError })
  const stream = createStreamClient(emulator)
  const params = { maxDurationSeconds: 60, requireSignedURLs: true }
  const { uid, uploadURL } = await stream.mintBasic(params)
  await stream.sendFile(uploadURL, testcardFile())
  const key = await createApiKey(stream)
  const exp = Math.floor(Date.parse((await emulator.state()).clock.now) / 1000) + 3600
  const claims = { sub: uid, kid: key.id, exp }
  const token = await signText(key, JSON.stringify(claims))
  const statusOf = async (text: string) => {
    const response = await fetch(`${emulator.url}/${text}/manifest/video.m3u8`)
    await response.arrayBuffer()
    return response.status
  }
  return { emulator, stream, uid, key, claims, token, statusOf, failures }
}

let context: Awaited<ReturnType<typeof start>>
beforeAll(async () => {
  context = await start()
})
afterAll(() => context.emulator.close())

const encode = (text: string) => Buffer.from(text).toString('base64')
const base64url = (text: string) => Buffer.from(text).toString('base64url')
const segment = fc.oneof(
  fc.json({ maxDepth: 3 }).map(base64url),
  fc.string({ unit: 'binary', maxLength: 40 }).map(base64url),
  fc.stringMatching(/^[\w-]{0,40}$/),
)

test('three arbitrary segments are rejected', async () => {
  await fc.assert(
    fc.asyncProperty(segment, segment, segment, async (header, payload, signature) => {
      expect(await context.statusOf(`${header}.${payload}.${signature}`)).toBe(401)
    }),
  )
  expect(context.failures).toEqual([])
})

test('an arbitrary header of a key that exists is rejected', async () => {
  const members = fc.dictionary(
    fc.constantFrom('alg', 'typ', 'crit', 'b64', 'jwk', 'x'),
    fc.jsonValue(),
  )
  await fc.assert(
    fc.asyncProperty(members, segment, async (extra, signature) => {
      const header = base64url(JSON.stringify({ ...extra, kid: context.key.id }))
      const [, payload = ''] = context.token.split('.')
      expect(await context.statusOf(`${header}.${payload}.${signature}`)).toBe(401)
    }),
  )
  expect(context.failures).toEqual([])
})

test('a valid token with one character changed before the last is rejected', async () => {
  const { token } = context
  const position = fc.nat(token.length - 2)
  await fc.assert(
    fc.asyncProperty(position, fc.stringMatching(/^[\w.~-]$/), async (at, character) => {
      fc.pre(token[at] !== character)
      const changed = token.slice(0, at) + character + token.slice(at + 1)
      expect(await context.statusOf(changed)).toBe(401)
    }),
  )
  expect(await context.statusOf(token)).toBe(200)
})

test('a signed token with arbitrary claims of other types is rejected', async () => {
  const { key, claims } = context
  const other = fc.record(
    {
      sub: fc.oneof(fc.integer(), fc.constant(null), fc.array(fc.string())),
      exp: fc.oneof(fc.string(), fc.constant(null), fc.integer({ max: 0 })),
      nbf: fc.oneof(fc.string(), fc.constant(null), fc.double({ min: 1e12, noNaN: true })),
      downloadable: fc.oneof(fc.string(), fc.integer()),
      accessRules: fc.oneof(
        fc.object(),
        fc.array(fc.record({ type: fc.string(), action: fc.string() }), { minLength: 1 }),
        fc.array(
          fc.record({
            type: fc.constant('ip.src'),
            action: fc.constantFrom('allow', 'block'),
            ip: fc.array(fc.stringMatching(/^[\d.:/a-f]{0,6}x$/), { minLength: 1 }),
          }),
          { minLength: 1 },
        ),
      ),
      flags: fc.oneof(fc.string(), fc.array(fc.integer())),
    },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(other, async (changed) => {
      fc.pre(Object.keys(changed).length > 0)
      const token = await signText(key, JSON.stringify({ ...claims, ...changed }))
      expect(await context.statusOf(token)).toBe(401)
    }),
  )
  expect(context.failures).toEqual([])
})

test('a signed text that is not an object with claims is rejected', async () => {
  const text = fc.oneof(fc.json({ maxDepth: 2 }), fc.string({ unit: 'binary', maxLength: 60 }))
  await fc.assert(
    fc.asyncProperty(text, async (payload) => {
      expect(await context.statusOf(await signText(context.key, payload))).toBe(401)
    }),
  )
  expect(context.failures).toEqual([])
})

test('deep claims and long tokens are rejected', async () => {
  const { key, emulator, statusOf } = context
  expect(await statusOf(await signText(key, '['.repeat(5000)))).toBe(401)
  expect(await statusOf(await signText(key, '[]'.repeat(2500)))).toBe(401)
  expect(await statusOf('.'.repeat(8192))).toBe(401)
  expect(await statusOf(`${'a'.repeat(12_000)}.b.c`)).toBe(401)
  // Node rejects request targets above 16 KiB.
  const target = `${emulator.url}/${'a'.repeat(20_000)}.b.c/watch`
  const huge = openRequest(target, 'GET')
  huge.request.end()
  expect((await huge.response).status).toBe(431)
})

describe('bodies of the API', () => {
  const keys = ['id', 'pem', 'exp', 'nbf', 'accessRules', 'flags', 'url', 'name', 'scale'] as const
  const body = fc.oneof(
    fc.json({ maxDepth: 3 }),
    fc.dictionary(fc.constantFrom(...keys), fc.jsonValue()).map((value) => JSON.stringify(value)),
    fc.string({ unit: 'binary', maxLength: 40 }),
  )

  test.each(['token', 'watermarks'])('%s: an arbitrary one is no internal error', async (name) => {
    const { stream, uid, failures } = context
    const path = name === 'token' ? `/${uid}/token` : '/watermarks'
    await fc.assert(
      fc.asyncProperty(body, async (text) => {
        const response = await stream.raw('POST', path, { body: text })
        await response.arrayBuffer()
        expect([200, 400]).toContain(response.status)
      }),
    )
    expect(failures).toEqual([])
  })

  test('a PEM of another kind is rejected', async () => {
    const { stream, uid, key } = context
    const pems = [
      '',
      encode('-----BEGIN RSA PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----'),
      encode('-----BEGIN ENCRYPTED PRIVATE KEY-----\nMA==\n-----END ENCRYPTED PRIVATE KEY-----'),
      encode(
        Buffer.from(key.pem, 'base64')
          .toString()
          .replace(/[A-Z]{4}/, 'AAAA'),
      ),
      key.jwk,
      'x'.repeat(20_000),
    ]
    for (const pem of pems) {
      const response = await stream.call('POST', `/${uid}/token`, { id: key.id, pem })
      expect(response.status).toBe(400)
    }
    expect(context.failures).toEqual([])
  })
})
