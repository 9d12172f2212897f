/** Algorithms that verify a token: those of the configuration, never those of the token or of the JWKS. */
import { SignJWT, UnsecuredJWT, exportJWK, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { type ProviderKey, createKey, startProvider } from '../kit/jwks-server.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const inAnHour = (): number => Math.floor(Date.now() / 1000) + 3600
const claims = () => ({ sub: 'ada', exp: inAnHour() })

/** Returns the statuses of two requests with this token: the second uses the verified-token cache. */
async function statusesWith({ url }: TestGateway, token: string): Promise<number[]> {
  const statuses: number[] = []
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const response = await fetch(`${url}/graphql?query={__typename}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    await response.body?.cancel()
    statuses.push(response.status)
  }
  return statuses
}

function signedBy({ kid, privateKey }: ProviderKey, sub: string): Promise<string> {
  return new SignJWT({ ...claims(), sub })
    .setProtectedHeader({ alg: 'ES256', kid })
    .sign(privateKey)
}

/** Returns a token with this header, signed by HS256 with a secret that an attacker may know. */
function forged(header: object, secret: Uint8Array): Promise<string> {
  return new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', ...header }).sign(secret)
}

const secretOfProvider = encode('a secret that the provider put into its JWKS')

/** Starts a provider whose JWKS also contains a symmetric key, which every reader of the JWKS knows. */
async function startProviderWithSecret() {
  const key = await createKey('one')
  const k = Buffer.from(secretOfProvider).toString('base64url')
  const oct = { kid: 'oct', jwk: { kty: 'oct', kid: 'oct', k, alg: 'HS256' } }
  const unnamed = { kid: 'any', jwk: { kty: 'oct', kid: 'any', k } }
  const provider = await startProvider([
    key,
    { ...oct, privateKey: key.privateKey },
    { ...unnamed, privateKey: key.privateKey },
  ])
  return { key, url: provider.url }
}

describe.each([
  ['a JWKS only', {}],
  ['a JWKS and a secret', { AUTH_JWT_SECRET: TEST_SECRET }],
])('with %s', (_name, variables) => {
  it('rejects tokens that an attacker can sign', async () => {
    const { key, url } = await startProviderWithSecret()
    const gateway = await startTestGateway({ ...variables, AUTH_JWKS_URL: url })
    const own = await generateKeyPair('ES256')
    const jwk = await exportJWK(own.publicKey)
    const attempts: readonly (readonly [name: string, token: string])[] = [
      ['alg none', new UnsecuredJWT(claims()).encode()],
      ['an oct key of the JWKS', await forged({ kid: 'oct' }, secretOfProvider)],
      ['an oct key without alg', await forged({ kid: 'any' }, secretOfProvider)],
      ['the public key as JSON', await forged({ kid: 'one' }, encode(JSON.stringify(key.jwk)))],
      ['an empty secret of the attacker', await forged({ kid: 'one' }, encode(' '))],
      [
        'a key in its own header',
        await new SignJWT(claims())
          .setProtectedHeader({ alg: 'ES256', kid: 'one', jwk })
          .sign(own.privateKey),
      ],
      [
        'a JWKS in its own header',
        await new SignJWT(claims())
          .setProtectedHeader({ alg: 'ES256', kid: 'two', jku: url })
          .sign(own.privateKey),
      ],
    ]
    for (const [name, token] of attempts) {
      expect([name, await statusesWith(gateway, token)]).toEqual([name, [401, 401]])
    }
    expect(await statusesWith(gateway, await signedBy(key, 'ada'))).toEqual([200, 200])
  })
})

it.each([
  ['a point that is not on the curve', { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', alg: 'ES256' }],
  ['members missing', { kty: 'EC', crv: 'P-256', alg: 'ES256' }],
  ['an unknown curve', { kty: 'EC', crv: 'P-999', x: 'AA', y: 'AA', alg: 'ES256' }],
])('rejects a token whose key id refers to a key with %s', async (_name, jwk) => {
  const key = await createKey('one')
  const { url } = await startProvider([key, { ...key, kid: 'bad', jwk: { ...jwk, kid: 'bad' } }])
  const gateway = await startTestGateway({ AUTH_JWKS_URL: url })
  const named = await signedBy({ ...key, kid: 'bad' }, 'ada')
  expect(await statusesWith(gateway, named)).toEqual([401, 401])
  expect(await statusesWith(gateway, await signedBy(key, 'ada'))).toEqual([200, 200])
})

it('rejects a token of a key when only a secret is configured', async () => {
  const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
  const key = await createKey('one')
  expect(await statusesWith(gateway, await signedBy(key, 'ada'))).toEqual([401, 401])
})

describe('a secret and a JWKS', () => {
  const found = z.object({ upload: z.object({ uid: z.string() }).nullable() })

  it('map the same `sub` to the same creator', async () => {
    const key = await createKey('one')
    const { url } = await startProvider([key])
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET, AUTH_JWKS_URL: url })
    const bySecret = gateway.as(await tokenFor('ada'))
    const { uid } = expectMinted(await createDirectUpload(bySecret))
    const query = `{ upload(uid: "${uid}") { uid } }`
    const uidFor = async (sub: string) =>
      (await gateway.as(await signedBy(key, sub)).request(found, query)).upload?.uid
    expect([await uidFor('ada'), await uidFor('bob')]).toEqual([uid, undefined])
  })

  it('both require the issuer if AUTH_ISSUER is set', async () => {
    const key = await createKey('one')
    const { url } = await startProvider([key])
    const gateway = await startTestGateway({
      AUTH_JWT_SECRET: TEST_SECRET,
      AUTH_JWKS_URL: url,
      AUTH_ISSUER: 'https://id.example.com',
    })
    const iss = 'https://id.example.com'
    expect(await statusesWith(gateway, await tokenFor('ada', { iss }))).toEqual([200, 200])
    expect(await statusesWith(gateway, await tokenFor('ada'))).toEqual([401, 401])
    expect(await statusesWith(gateway, await signedBy(key, 'ada'))).toEqual([401, 401])
  })
})
