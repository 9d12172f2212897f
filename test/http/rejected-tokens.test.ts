/** Why a token is rejected: in the message of the response, and in the log. */
import { SignJWT, generateKeyPair } from 'jose'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { createKey, startProvider } from '../kit/jwks-server.ts'

const body = z.object({
  errors: z.tuple([
    z.object({ message: z.string(), extensions: z.object({ code: z.literal('UNAUTHENTICATED') }) }),
  ]),
})

interface Rejection {
  readonly message: string
  /** Fields of the log line of this request. */
  readonly logged: object | undefined
}

async function rejectionOf(gateway: TestGateway, authorization: string): Promise<Rejection> {
  const before = gateway.logs.length
  const response = await fetch(`${gateway.url}/graphql?query={__typename}`, {
    headers: { authorization },
  })
  expect(response.status).toBe(401)
  const [{ message }] = body.parse(await response.json()).errors
  const line = gateway.logs.slice(before).find((entry) => entry.message === 'token rejected')
  return { message, logged: line?.fields }
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000)

/** A token without the claims that tokenFor adds. */
function tokenWith(claims: Record<string, unknown>): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(TEST_SECRET))
}

/** Another issuer's secret. */
function tokenOfOthers(): Promise<string> {
  return new SignJWT({ sub: 'ada', exp: 0, iss: 'https://elsewhere.example' })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode('another secret of thirty-two bytes'))
}

const CLAIMS = { iss: 'https://issuer.example', aud: 'videos' }

it.each([
  ['expired', () => tokenFor('ada', { ...CLAIMS, exp: nowSeconds() - 60 }), /has expired/],
  ['signature', tokenOfOthers, /signature is invalid/],
  ['claim iss', () => tokenFor('ada', { ...CLAIMS, iss: 'https://other.example' }), /`iss`/],
  ['claim aud', () => tokenFor('ada', { ...CLAIMS, aud: 'books' }), /`aud`/],
  ['no aud', () => tokenFor('ada', { iss: CLAIMS.iss }), /lacks `aud`/],
  ['no sub', () => tokenWith({ ...CLAIMS, exp: nowSeconds() + 60 }), /lacks `sub`/],
  ['no exp', () => tokenWith({ ...CLAIMS, sub: 'ada' }), /lacks `exp`/],
  ['claim nbf', () => tokenFor('ada', { ...CLAIMS, nbf: nowSeconds() + 60 }), /not valid yet/],
  ['claims', () => tokenFor('ada\n', CLAIMS), /`sub`/],
  [
    'claim headgate',
    () => tokenFor('ada', { ...CLAIMS, headgate: { 'max\nUploads': 1 } }),
    /`headgate` has an unknown key "max\\nUploads"/,
  ],
  [
    'claim headgate.maxUploads',
    () => tokenFor('ada', { ...CLAIMS, headgate: { maxUploads: -1 } }),
    /`headgate.maxUploads` must be a whole number/,
  ],
  ['claim jti', () => tokenFor('ada', { ...CLAIMS, headgate: { maxUploads: 1 } }), /`jti`/],
  ['malformed', async () => 'a.b.c', /not a valid JWT/],
  ['no bearer token', async () => 'a token', /`Bearer` and a JWT/],
])('says that a token is rejected for: %s', async (reason, createToken, message) => {
  const gateway = await startTestGateway({
    AUTH_JWT_SECRET: TEST_SECRET,
    AUTH_ISSUER: CLAIMS.iss,
    AUTH_AUDIENCE: CLAIMS.aud,
  })
  const rejection = await rejectionOf(gateway, `Bearer ${await createToken()}`)
  expect(rejection.message).toMatch(message)
  expect(rejection.logged).toEqual({ reason })
  // What the gateway expects helps to forge a token.
  expect(rejection.message).not.toContain(CLAIMS.iss)
  expect(rejection.message).not.toContain(CLAIMS.aud)
})

it('says that a key is unknown or an algorithm not accepted, with a JWKS', async () => {
  const key = await createKey('one')
  const { url } = await startProvider([key])
  const gateway = await startTestGateway({ AUTH_JWKS_URL: url })
  const { privateKey } = await generateKeyPair('ES256')
  const signed = (kid: string) =>
    new SignJWT({ sub: 'ada', exp: nowSeconds() + 60 })
      .setProtectedHeader({ alg: 'ES256', kid })
      .sign(privateKey)

  const unknown = await rejectionOf(gateway, `Bearer ${await signed('two')}`)
  expect(unknown).toEqual({
    message: 'The token was signed with a key that is unknown.',
    logged: { reason: 'unknown key' },
  })
  const forged = await rejectionOf(gateway, `Bearer ${await signed('one')}`)
  expect(forged.logged).toEqual({ reason: 'signature' })
  const symmetric = await rejectionOf(gateway, `Bearer ${await tokenFor('ada')}`)
  expect(symmetric.logged).toEqual({ reason: 'algorithm' })
  expect(symmetric.message).toContain('algorithm')
})

it('says why a token is rejected if a secret and a JWKS are accepted', async () => {
  const key = await createKey('one')
  const { url } = await startProvider([key])
  const gateway = await startTestGateway({ AUTH_JWKS_URL: url, AUTH_JWT_SECRET: TEST_SECRET })
  const expired = { sub: 'ada', exp: nowSeconds() - 60 }
  const bySecret = await rejectionOf(gateway, `Bearer ${await tokenWith(expired)}`)
  const byKey = await rejectionOf(
    gateway,
    `Bearer ${await new SignJWT(expired).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(key.privateKey)}`,
  )
  expect([bySecret.logged, byKey.logged]).toEqual([{ reason: 'expired' }, { reason: 'expired' }])
})
