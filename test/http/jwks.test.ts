/** JWKS of an identity provider: cached, refreshed, and kept while the provider is unavailable. */
import { generateKeyPairSync } from 'node:crypto'
import { SignJWT, exportJWK, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'
import { MAX_CANDIDATE_KEYS, MAX_WAITING_TOKENS, createJwks } from '../../src/http/auth/jwks.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { type ProviderKey, createKey, startProvider } from '../kit/jwks-server.ts'
import { silentLogger } from '../kit/served-gateway.ts'

const ES256 = { alg: 'ES256' }

/** Returns the status of a request with a token signed by this key. */
async function statusWith(gateway: TestGateway, { kid, privateKey }: ProviderKey): Promise<number> {
  const token = await new SignJWT({ sub: 'ada', exp: gateway.clock.now().getTime() / 1000 + 600 })
    .setProtectedHeader({ alg: 'ES256', kid })
    .sign(privateKey)
  const response = await fetch(`${gateway.url}/graphql?query={__typename}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  await response.body?.cancel()
  return response.status
}

describe('JWKS of an identity provider', () => {
  it('keeps its keys during an outage of 24 hours', async () => {
    const key = await createKey('one')
    const provider = await startProvider([key])
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    expect(await statusWith(gateway, key)).toBe(200)
    provider.serve(null)
    for (let hour = 0; hour < 24; hour += 1) {
      gateway.clock.advance(3600)
      expect(await statusWith(gateway, key)).toBe(200)
    }
    expect(gateway.logs.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('is fetched again for an unknown key and then rejects the withdrawn key', async () => {
    const [one, two] = [await createKey('one'), await createKey('two')]
    const provider = await startProvider([one])
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    expect(await statusWith(gateway, one)).toBe(200)
    provider.serve([two])
    gateway.clock.advance(31)
    expect(await statusWith(gateway, two)).toBe(200)
    expect(await statusWith(gateway, one)).toBe(401)
  })

  it('is fetched again after ten minutes and then rejects the withdrawn key', async () => {
    const [one, two] = [await createKey('one'), await createKey('two')]
    const provider = await startProvider([one, two])
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    expect(await statusWith(gateway, one)).toBe(200)
    provider.serve([two])
    gateway.clock.advance(601)
    expect(await statusWith(gateway, one)).toBe(401)
    expect(await statusWith(gateway, two)).toBe(200)
  })

  it('is fetched after the clock is set back', async () => {
    const key = await createKey('one')
    const provider = await startProvider(null)
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    expect(await statusWith(gateway, key)).toBe(503)
    provider.serve([key])
    gateway.clock.advance(-3600)
    expect(await statusWith(gateway, key)).toBe(200)
  })

  it('is not fetched for each unknown key id', async () => {
    const key = await createKey('one')
    const provider = await startProvider([key])
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    expect(await statusWith(gateway, key)).toBe(200)
    for (let index = 0; index < 20; index += 1) {
      expect(await statusWith(gateway, { ...key, kid: `made up ${index}` })).toBe(401)
    }
    expect(provider.fetched()).toBe(1)
  })

  it('responds 503 if it was never available and accepts tokens once it is', async () => {
    const key = await createKey('one')
    const provider = await startProvider(null)
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    expect(await statusWith(gateway, key)).toBe(503)
    provider.serve([key])
    gateway.clock.advance(2)
    expect(await statusWith(gateway, key)).toBe(200)
  })
})

describe('tokens of unknown keys, while the provider does not respond', () => {
  it(`wait, up to ${MAX_WAITING_TOKENS} of them, and others are verified`, async () => {
    const key = await createKey('one')
    const provider = await startProvider([key])
    let now = Date.now()
    const jwks = createJwks(new URL(provider.url), () => new Date(now), silentLogger)

    async function tokenOf(kid: string): Promise<string> {
      const token = new SignJWT({ sub: 'ada', exp: now / 1000 + 600 })
      return token.setProtectedHeader({ ...ES256, kid }).sign(key.privateKey)
    }

    const [known, unknown] = [await tokenOf('one'), await tokenOf('two')]
    await jwks.verify(known, {})
    now += 31_000
    provider.hang()
    let waiting = MAX_WAITING_TOKENS + 20
    const rejections = Array.from({ length: waiting }, () =>
      jwks.verify(unknown, {}).catch((error: unknown) => {
        waiting -= 1
        return String(error)
      }),
    )
    for (const rejection of rejections.slice(MAX_WAITING_TOKENS)) {
      expect(await rejection).toContain('KeysUnavailable')
    }
    expect(waiting).toBe(MAX_WAITING_TOKENS)
    expect((await jwks.verify(known, {})).payload.sub).toBe('ada')
    await expect.poll(() => provider.fetched()).toBe(2)
  })
})

/** Signs with this key, without a key id unless one is given. */
async function statusOf(
  gateway: TestGateway,
  { privateKey }: ProviderKey,
  header: { readonly alg: string; readonly kid?: string },
): Promise<number> {
  const token = await new SignJWT({ sub: 'ada', exp: gateway.clock.now().getTime() / 1000 + 600 })
    .setProtectedHeader(header)
    .sign(privateKey)
  const response = await fetch(`${gateway.url}/graphql?query={__typename}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  await response.body?.cancel()
  return response.status
}

/** A key without `kid`, as RFC 7517 section 4.5 allows. */
async function createUnnamedKey(members: object = {}, alg = 'ES256'): Promise<ProviderKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  return { kid: '', jwk: { ...(await exportJWK(publicKey)), ...members }, privateKey }
}

describe('a JWKS with keys that have no `kid`', () => {
  it('verifies a token by the key that signed it, whichever it is', async () => {
    const keys = [
      await createUnnamedKey({}, 'RS256'),
      await createUnnamedKey(),
      await createUnnamedKey({ use: 'sig', alg: 'ES256' }),
      await createUnnamedKey(),
    ]
    const provider = await startProvider(keys)
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    const [rsa, ...others] = keys
    if (rsa === undefined) throw new Error('No key was created.')
    expect(await statusOf(gateway, rsa, { alg: 'RS256' })).toBe(200)
    for (const key of others) expect(await statusOf(gateway, key, ES256)).toBe(200)
    expect(await statusOf(gateway, await createUnnamedKey(), ES256)).toBe(401)
  })

  it('verifies a token that names a key', async () => {
    const [one, two] = [await createUnnamedKey(), await createUnnamedKey()]
    const provider = await startProvider([one, two])
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    expect(await statusOf(gateway, two, { ...ES256, kid: 'two' })).toBe(200)
    expect(await statusOf(gateway, await createUnnamedKey(), { ...ES256, kid: 'two' })).toBe(401)
  })

  it('verifies a token without `kid` by keys that have one', async () => {
    const [one, two] = [await createKey('one'), await createKey('two')]
    const provider = await startProvider([one, two])
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    for (const key of [one, two]) expect(await statusOf(gateway, key, ES256)).toBe(200)
    // A key id is decisive: the token is verified by no other key of the JWKS.
    expect(await statusOf(gateway, two, { ...ES256, kid: 'one' })).toBe(401)
  })

  it('skips keys for another use or algorithm, and keys that cannot be read', async () => {
    const key = await createUnnamedKey()
    const provider = await startProvider([
      { ...key, jwk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } },
      await createUnnamedKey({ use: 'enc' }),
      await createUnnamedKey({ alg: 'ES384' }),
      await createUnnamedKey({ key_ops: ['sign'] }),
      await createUnnamedKey({}, 'RS256'),
      await createUnnamedKey({}, 'EdDSA'),
      key,
    ])
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    expect(await statusOf(gateway, key, ES256)).toBe(200)
  })

  it.each([
    ['without `kid`', undefined],
    ['with one `kid`', 'same'],
  ])('passes over a key that is too short, among keys %s', async (_name, kid) => {
    const named = kid === undefined ? {} : { kid }
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const short = { ...publicKey.export({ format: 'jwk' }), ...named }
    const key = await createUnnamedKey(named, 'RS256')
    const provider = await startProvider([{ ...key, jwk: short }, key])
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    expect(await statusOf(gateway, key, { alg: 'RS256', ...named })).toBe(200)
    expect(
      await statusOf(gateway, await createUnnamedKey({}, 'RS256'), { alg: 'RS256', ...named }),
    ).toBe(401)
  })

  it('passes over keys only for errors of the key', async () => {
    const keys = [await createUnnamedKey(), await createUnnamedKey()]
    const provider = await startProvider(keys)
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    const [key] = keys
    if (key === undefined) throw new Error('No key was created.')
    const token = await new SignJWT({ sub: 'ada', exp: gateway.clock.now().getTime() / 1000 - 600 })
      .setProtectedHeader(ES256)
      .sign(key.privateKey)
    const response = await fetch(`${gateway.url}/graphql?query={__typename}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(response.status).toBe(401)
    expect(await response.text()).toContain('expired')
  })

  it(`is tried up to ${MAX_CANDIDATE_KEYS} keys`, async () => {
    const keys = await Promise.all(
      Array.from({ length: MAX_CANDIDATE_KEYS + 1 }, () => createUnnamedKey()),
    )
    const provider = await startProvider(keys)
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    const statuses = await Promise.all(keys.map((key) => statusOf(gateway, key, ES256)))
    expect(statuses).toEqual([...keys.slice(1).map(() => 200), 401])
  })

  it('is fetched again for a token of an unknown key, but not for each token', async () => {
    const [one, two, three] = [
      await createUnnamedKey(),
      await createUnnamedKey(),
      await createUnnamedKey(),
    ]
    const provider = await startProvider([one, two])
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    expect(await statusOf(gateway, one, ES256)).toBe(200)
    provider.serve([two, three])
    gateway.clock.advance(31)
    expect(await statusOf(gateway, three, ES256)).toBe(200)
    expect(await statusOf(gateway, one, ES256)).toBe(401)
    const forged = await createUnnamedKey()
    for (let count = 0; count < 20; count += 1)
      expect(await statusOf(gateway, forged, ES256)).toBe(401)
    expect(provider.fetched()).toBe(2)
  })
})
