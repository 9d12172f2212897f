/** Keys of an identity provider: fetched once, looked after, and kept while the provider is away. */
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { type ProviderKey, createKey, startProvider } from '../kit/jwks-server.ts'

/** The status that a token signed by this key is answered with. */
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

describe('keys of an identity provider', () => {
  it('outlive its outage, however long', async () => {
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

  it('are fetched anew: a new one is taken at once, a withdrawn one refused', async () => {
    const [one, two] = [await createKey('one'), await createKey('two')]
    const provider = await startProvider([one])
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    expect(await statusWith(gateway, one)).toBe(200)
    provider.serve([two])
    gateway.clock.advance(31)
    expect(await statusWith(gateway, two)).toBe(200)
    expect(await statusWith(gateway, one)).toBe(401)
  })

  it('are withdrawn without a new one being asked for', async () => {
    const [one, two] = [await createKey('one'), await createKey('two')]
    const provider = await startProvider([one, two])
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    expect(await statusWith(gateway, one)).toBe(200)
    provider.serve([two])
    gateway.clock.advance(601)
    expect(await statusWith(gateway, one)).toBe(401)
    expect(await statusWith(gateway, two)).toBe(200)
  })

  it('are fetched though the clock was set back', async () => {
    const key = await createKey('one')
    const provider = await startProvider(null)
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    expect(await statusWith(gateway, key)).toBe(503)
    provider.serve([key])
    gateway.clock.advance(-3600)
    expect(await statusWith(gateway, key)).toBe(200)
  })

  it('are not fetched for whoever makes up key after key', async () => {
    const key = await createKey('one')
    const provider = await startProvider([key])
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    expect(await statusWith(gateway, key)).toBe(200)
    for (let index = 0; index < 20; index += 1) {
      expect(await statusWith(gateway, { ...key, kid: `made up ${index}` })).toBe(401)
    }
    expect(provider.fetched()).toBe(1)
  })

  it('that were never there are a 503, and are had as soon as they are', async () => {
    const key = await createKey('one')
    const provider = await startProvider(null)
    const gateway = await startTestGateway({ AUTH_JWKS_URL: provider.url })
    expect(await statusWith(gateway, key)).toBe(503)
    provider.serve([key])
    gateway.clock.advance(2)
    expect(await statusWith(gateway, key)).toBe(200)
  })
})
