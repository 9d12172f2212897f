/** Signatures of callbacks: by `standardwebhooks`, by `verifyCallback`, and with everything that can be wrong. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createCallbackSigner } from '../../src/callbacks/signature.ts'
import {
  type CallbackHeaders,
  CallbackRejected,
  verifyCallback,
} from '../../src/callbacks/verify-callback.ts'
import { createNodeHmac } from '../../src/node/deliver-callbacks.ts'
import { callbackPayload } from '../../src/uploads/callbacks/callback-payload.ts'
import { hasNoPackages, packagesHint } from '../browser/kit/frontend.ts'
import { uploadOf } from '../kit/samples.ts'
import { standardVerifier } from '../kit/standard-webhooks.ts'

const OLD = `whsec_${btoa('o'.repeat(24))}`
const NEW = `whsec_${btoa('n'.repeat(64))}`
const OTHER = `whsec_${btoa('x'.repeat(32))}`
const NOW = new Date()
const ID = '0195f3c2-0000-7000-8000-000000000000'
const payload = callbackPayload('upload.created', uploadOf({ name: 'Ferien in Österreich 🏔' }))
const BODY = JSON.stringify(payload)

const sign = createCallbackSigner([NEW, OLD])
const headersAt = async (at: Date) => ({ ...(await sign(ID, at, BODY)) })

/** Returns the message with which the callback is rejected; null if it is accepted. */
async function rejection(
  headers: CallbackHeaders,
  body: string | Uint8Array = BODY,
  secret = NEW,
): Promise<string | null> {
  try {
    await verifyCallback(body, headers, secret, NOW)
    return null
  } catch (error) {
    if (error instanceof CallbackRejected) return error.message
    throw error
  }
}

describe.skipIf(hasNoPackages)(`standardwebhooks${packagesHint}`, () => {
  test.each([
    ['the new secret', NEW],
    ['the old secret', OLD],
  ])('accepts a callback by %s', async (_which, secret) => {
    expect(standardVerifier(secret)(BODY, await headersAt(NOW))).toEqual(payload)
  })

  test('rejects it by another secret', async () => {
    const headers = await headersAt(NOW)
    expect(() => standardVerifier(OTHER)(BODY, headers)).toThrow(/signature/i)
  })

  test('and this gateway sign alike', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 24, maxLength: 64 }),
        fc.json(),
        async (bytes, body) => {
          const secret = `whsec_${btoa(String.fromCharCode(...bytes))}`
          for (const signer of [
            createCallbackSigner([secret]),
            createCallbackSigner([secret], createNodeHmac),
          ]) {
            const headers = { ...(await signer(ID, new Date(), body)) }
            expect(standardVerifier(secret)(body, headers)).toEqual(JSON.parse(body))
          }
        },
      ),
      { numRuns: 30 },
    )
  })
})

describe('verifyCallback', () => {
  test.each<[kind: string, body: string | ArrayBuffer | Uint8Array]>([
    ['a text', BODY],
    ['bytes', new TextEncoder().encode(BODY)],
    ['a Buffer', Buffer.from(BODY)],
    ['an ArrayBuffer', new TextEncoder().encode(BODY).buffer],
  ])('returns the callback in %s', async (_kind, body) => {
    expect(await verifyCallback(body, await headersAt(NOW), NEW)).toEqual({ id: ID, ...payload })
  })

  test.each<[kind: string, of: (headers: Record<string, string>) => CallbackHeaders]>([
    ['of fetch', (headers) => new Headers(headers)],
    ['of Node', (headers) => ({ ...headers, 'set-cookie': ['a', 'b'], via: undefined })],
    [
      'in another case',
      (headers) =>
        Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
        ),
    ],
  ])('reads headers %s', async (_kind, of) => {
    expect(await rejection(of(await headersAt(NOW)))).toBeNull()
  })

  test.each([NEW, OLD, `${OTHER},${OLD}`])('accepts the secret(s) %s', async (secret) => {
    expect(await rejection(await headersAt(NOW), BODY, secret)).toBeNull()
  })

  test('rejects another secret, and another body', async () => {
    const headers = await headersAt(NOW)
    expect(await rejection(headers, BODY, OTHER)).toMatch(/matches no secret/)
    expect(await rejection(headers, `${BODY} `)).toMatch(/matches no secret/)
    expect(await rejection({ ...headers, 'webhook-id': 'other' })).toMatch(/matches no secret/)
  })

  test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])(
    'rejects a callback without %s',
    async (name) => {
      const headers = { ...(await headersAt(NOW)), [name]: undefined }
      expect(await rejection(headers)).toBe(`The header ${name} is missing.`)
    },
  )

  test.each([
    ['an unknown scheme', (v1: string) => v1.replaceAll('v1,', 'v1a,')],
    ['no base64', () => 'v1,***'],
    ['nothing', () => 'v1,'],
  ])('rejects a signature of %s', async (_kind, change) => {
    const headers = await headersAt(NOW)
    const signature = change(headers['webhook-signature'])
    expect(await rejection({ ...headers, 'webhook-signature': signature })).toMatch(/no secret/)
  })

  test.each<[seconds: number, accepted: boolean]>([
    [-299, true],
    [299, true],
    [-302, false],
    [302, false],
  ])('%i s from now: accepted is %s', async (seconds, accepted) => {
    const at = new Date(NOW.getTime() + seconds * 1000)
    const reason = (await rejection(await headersAt(at))) ?? 'accepted'
    expect(reason).toMatch(accepted ? /^accepted$/ : /more than 300 s/)
  })

  test.each(['[]', '{"type":"upload.ready"}', 'null', 'not JSON'])(
    'rejects the signed body %s',
    async (body) => {
      expect(await rejection({ ...(await sign(ID, NOW, body)) }, body)).toMatch(/not a callback/)
    },
  )

  test('throws for a secret that is none, so that a wrong configuration is noticed', async () => {
    await expect(rejection(await headersAt(NOW), BODY, 'secret')).rejects.toThrow(TypeError)
  })

  test('says nothing of the request', async () => {
    const reason = await rejection({ ...(await sign(ID, NOW, '"k-ey"')) }, '"k-ey"')
    expect(reason).not.toContain('k-ey')
  })
})
