/** The verified-token cache accepts a token exactly as long as the fallback does. */
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { createAuthenticator } from '../../src/http/auth/authenticator.ts'
import { isViewer } from '../../src/http/auth/authenticate.ts'
import { createTestClock } from '../kit/clock.ts'
import { tokenFor } from '../kit/gateway.ts'
import { createKey, startProvider } from '../kit/jwks-server.ts'
import { WARM_UP_RUNS, sendOperation } from './both-paths.ts'
import { comparable } from './send-request.ts'
import { type Setup, JWT_AUTH, createSetup } from './setup.ts'

const START = Date.UTC(2026, 0, 1)
const QUERY = '{ uploads { totalCount } }'

/** Characters of `Bearer `. */
const SCHEME = 7

function quiet(): void {
  // These tests do not read the log.
}

const LOG = { debug: quiet, info: quiet, warn: quiet, error: quiet }

function createTestAuthenticator() {
  const clock = createTestClock(() => START)
  return { clock, authenticator: createAuthenticator(JWT_AUTH, () => clock.now(), LOG) }
}

async function statusesWith(setup: Setup, authorization: string): Promise<readonly number[]> {
  const operation = { query: QUERY, headers: { authorization } }
  const fast = await sendOperation(setup.fast, operation)
  const fallback = await sendOperation(setup.fallback, operation)
  expect(comparable(fast)).toEqual(comparable(fallback))
  return [fast.status, fallback.status]
}

describe('a verified token', () => {
  it('is cached until it expires, to the millisecond', async () => {
    const { clock, authenticator } = createTestAuthenticator()
    const authorization = `Bearer ${await tokenFor('ada', { exp: START / 1000 + 60 })}`
    expect(authenticator.cached(authorization)).toBeNull()
    await authenticator.authenticate(authorization)
    clock.advance(59.999)
    expect(authenticator.cached(authorization)).toMatchObject({ subject: 'ada' })
    clock.advance(0.001)
    expect(authenticator.cached(authorization)).toBeNull()
  })

  it('gets equal responses from both paths before and after its expiry', async () => {
    const setup = await createSetup()
    const now = Math.floor(setup.clock.now().getTime() / 1000)
    const authorization = `Bearer ${await tokenFor('ada', { exp: now + 60 })}`
    const operation = { query: QUERY, headers: { authorization } }
    for (let run = 0; run < WARM_UP_RUNS; run += 1) await sendOperation(setup.fast, operation)
    const { requestId } = await sendOperation(setup.fast, operation)
    expect(setup.usedFastPath(requestId)).toBe(true)
    const statuses: number[] = []
    setup.clock.advance(58)
    for (let second = 58; second < 68; second += 1) {
      statuses.push(...(await statusesWith(setup, authorization)))
      setup.clock.advance(1)
    }
    expect(statuses[0]).toBe(200)
    expect(statuses.at(-1)).toBe(401)
  })

  it('is not found for another token with the same prefix', async () => {
    const setup = await createSetup()
    const token = await tokenFor('ada')
    for (let run = 0; run <= WARM_UP_RUNS; run += 1) {
      await sendOperation(setup.fast, {
        query: QUERY,
        headers: { authorization: `Bearer ${token}` },
      })
    }
    const index = token.lastIndexOf('.') + 5
    const other = token[index] === 'A' ? 'B' : 'A'
    const altered = `${token.slice(0, index)}${other}${token.slice(index + 1)}`
    const [head, claims] = token.split('.')
    for (const bad of [altered, token.slice(0, -1), `${token}A`, `${head}.${claims}.`]) {
      expect(await statusesWith(setup, `Bearer ${bad}`)).toEqual([401, 401])
    }
    expect(await statusesWith(setup, `Bearer ${token}`)).toEqual([200, 200])
    // The same for the cache alone.
    const { authenticator } = createTestAuthenticator()
    await authenticator.authenticate(`Bearer ${token}`)
    expect(authenticator.cached(`Bearer ${altered}`)).toBeNull()
  })

  it('shows each token of a caller its own limits, by both paths', async () => {
    const setup = await createSetup({ createsPerMinute: 60 })
    const query = '{ me { limits { createsPerMinute remainingUploads } } }'
    const claims = [undefined, { createsPerMinute: 3 }, { createsPerMinute: 5, maxUploads: 2 }]
    const tokens = await Promise.all(
      claims.map((headgate) => tokenFor('ada', { jti: 'link', headgate })),
    )
    const send = async (url: string) => {
      const responses = []
      for (const token of tokens) {
        const headers = { authorization: `Bearer ${token}` }
        responses.push(await sendOperation(url, { query, headers }))
      }
      return responses
    }
    for (let run = 0; run < WARM_UP_RUNS; run += 1) await send(setup.fast)
    const [fast, fallback] = [await send(setup.fast), await send(setup.fallback)]
    expect(fast.map(({ requestId }) => setup.usedFastPath(requestId))).toEqual([true, true, true])
    expect(fast.map(comparable)).toEqual(fallback.map(comparable))
    expect(fast.map(({ text }): unknown => JSON.parse(text))).toEqual(
      [
        { createsPerMinute: 60, remainingUploads: null },
        { createsPerMinute: 3, remainingUploads: null },
        { createsPerMinute: 5, remainingUploads: 2 },
      ].map((limits) => ({ data: { me: { limits } } })),
    )
  })

  it('is rejected after its key was removed from the JWKS', async () => {
    const [one, two] = [await createKey('one'), await createKey('two')]
    const provider = await startProvider([one, two])
    const setup = await createSetup({
      auth: {
        kind: 'jwt',
        secret: null,
        jwksURL: new URL(provider.url),
        issuer: null,
        audience: null, // the claim `aud`
      },
    })
    const exp = Math.floor(setup.clock.now().getTime() / 1000) + 36_000
    const signed = async ({ kid, privateKey }: typeof one): Promise<string> =>
      `Bearer ${await new SignJWT({ sub: 'ada', exp }).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey)}`
    const [old, kept] = [await signed(one), await signed(two)]
    for (let run = 0; run < WARM_UP_RUNS; run += 1) {
      await sendOperation(setup.fast, { query: QUERY, headers: { authorization: old } })
    }
    const before = await sendOperation(setup.fast, {
      query: QUERY,
      headers: { authorization: old },
    })
    expect(setup.usedFastPath(before.requestId)).toBe(true)
    provider.serve([two])
    setup.clock.advance(601)
    const after = await sendOperation(setup.fast, { query: QUERY, headers: { authorization: old } })
    expect(after.status).toBe(401)
    expect(await statusesWith(setup, old)).toEqual([401, 401])
    expect(await statusesWith(setup, kept)).toEqual([200, 200])
  })

  it('is evicted when thousands of others are cached, within a limit of characters', async () => {
    const { authenticator } = createTestAuthenticator()
    const exp = START / 1000 + 3600
    const padding = 'x'.repeat(300)
    const tokens = await Promise.all(
      Array.from({ length: 10_000 }, async (_, index) => {
        const authorization = `Bearer ${await tokenFor(`caller-${index}`, { exp, padding })}`
        return authorization
      }),
    )
    for (const authorization of tokens) {
      expect(isViewer(await authenticator.authenticate(authorization))).toBe(true)
    }
    const cached = tokens.filter((authorization) => authenticator.cached(authorization) !== null)
    const characters = cached.reduce((sum, header) => sum + header.length - SCHEME, 0)
    expect(characters).toBeLessThanOrEqual(2_000_000)
    expect(cached.length).toBeGreaterThan(2000)
    expect(cached).toEqual(tokens.slice(-cached.length))
    for (const [index, authorization] of tokens.entries()) {
      const viewer = authenticator.cached(authorization)
      if (viewer !== null && viewer.subject !== `caller-${index}`)
        throw new Error('Cached viewer of another token.')
    }
  })

  it('is found for each valid spelling of the header', async () => {
    const { authenticator } = createTestAuthenticator()
    const token = await tokenFor('ada', { exp: START / 1000 + 60 })
    await authenticator.authenticate(`bearer   ${token} `)
    for (const header of [`Bearer ${token}`, `BEARER ${token}`, ` Bearer   ${token}`]) {
      expect(authenticator.cached(header)).toMatchObject({ subject: 'ada' })
    }
    for (const header of [
      token,
      `Basic ${token}`,
      `Bearer${token}`,
      `Bearer ${token} x`,
      '',
      'Bearer ',
    ]) {
      expect(authenticator.cached(header)).toBeNull()
    }
  })

  it('above the maximum length is accepted, and not cached', async () => {
    const { authenticator } = createTestAuthenticator()
    const exp = START / 1000 + 60
    for (const [padding, isCached] of [
      [3000, true],
      [3200, false],
    ] as const) {
      const token = await tokenFor('ada', { exp, padding: 'x'.repeat(padding) })
      expect(token.length <= 4200).toBe(isCached)
      expect(isViewer(await authenticator.authenticate(`Bearer ${token}`))).toBe(true)
      expect(authenticator.cached(`Bearer ${token}`) !== null).toBe(isCached)
    }
  })

  it('that is used often is not evicted for tokens that are used once', async () => {
    const { authenticator } = createTestAuthenticator()
    const claims = { exp: START / 1000 + 3600, padding: 'x'.repeat(3000) }
    const [regular, once] = [await tokenFor('ada', claims), await tokenFor('bob', claims)]
    for (const token of [regular, once]) await authenticator.authenticate(`Bearer ${token}`)
    for (let other = 0; other < 600; other += 1) {
      await authenticator.authenticate(`Bearer ${await tokenFor(`other-${other}`, claims)}`)
      expect(authenticator.cached(`Bearer ${regular}`)).toMatchObject({ subject: 'ada' })
    }
    expect(authenticator.cached(`Bearer ${once}`)).toBeNull()
  })
})
