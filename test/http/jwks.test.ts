/** JWKS of an identity provider: cached, refreshed, and kept while the provider is unavailable. */
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { type ProviderKey, createKey, startProvider } from '../kit/jwks-server.ts'

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
