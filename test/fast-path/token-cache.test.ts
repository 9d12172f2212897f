/** Who is remembered by a token, and until when: exactly as long as the long way would believe it. */
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { createAuthenticator } from '../../src/http/auth/authenticator.ts'
import { isViewer } from '../../src/http/auth/authenticate.ts'
import { createTestClock } from '../kit/clock.ts'
import { tokenFor } from '../kit/gateway.ts'
import { createKey, startProvider } from '../kit/jwks-server.ts'
import { LESSONS, ask } from './both-paths.ts'
import { comparable } from './send-request.ts'
import { type Setup, WITH_TOKENS, setSetup } from './setup.ts'

const START = Date.UTC(2026, 0, 1)
const QUERY = '{ uploads { totalCount } }'

/** Characters of `Bearer `. */
const SCHEME = 7

function quiet(): void {
  // Nothing here is about the log.
}

const LOG = { debug: quiet, info: quiet, warn: quiet, error: quiet }

function remembering() {
  const clock = createTestClock(() => START)
  return { clock, callers: createAuthenticator(WITH_TOKENS, () => clock.now(), LOG) }
}

async function statusesWith(setup: Setup, authorization: string): Promise<readonly number[]> {
  const question = { query: QUERY, headers: { authorization } }
  const fast = await ask(setup.fast, question)
  const long = await ask(setup.long, question)
  expect(comparable(fast)).toEqual(comparable(long))
  return [fast.status, long.status]
}

describe('a caller', () => {
  it('is remembered until the token lapses, to the millisecond', async () => {
    const { clock, callers } = remembering()
    const authorization = `Bearer ${await tokenFor('ada', { exp: START / 1000 + 60 })}`
    expect(callers.cached(authorization)).toBeNull()
    await callers.authenticate(authorization)
    clock.advance(59.999)
    expect(callers.cached(authorization)).toMatchObject({ subject: 'ada' })
    clock.advance(0.001)
    expect(callers.cached(authorization)).toBeNull()
  })

  it('is answered the same both ways around the moment in which the token lapses', async () => {
    const setup = await setSetup()
    const now = Math.floor(setup.clock.now().getTime() / 1000)
    const authorization = `Bearer ${await tokenFor('ada', { exp: now + 60 })}`
    const question = { query: QUERY, headers: { authorization } }
    for (let lesson = 0; lesson < LESSONS; lesson += 1) await ask(setup.fast, question)
    const { requestId } = await ask(setup.fast, question)
    expect(setup.answeredByLane(requestId)).toBe(true)
    const statuses: number[] = []
    setup.clock.advance(58)
    for (let second = 58; second < 68; second += 1) {
      statuses.push(...(await statusesWith(setup, authorization)))
      setup.clock.advance(1)
    }
    expect(statuses[0]).toBe(200)
    expect(statuses.at(-1)).toBe(401)
  })

  it('is not remembered by a token that begins the same', async () => {
    const setup = await setSetup()
    const token = await tokenFor('ada')
    for (let lesson = 0; lesson <= LESSONS; lesson += 1) {
      await ask(setup.fast, { query: QUERY, headers: { authorization: `Bearer ${token}` } })
    }
    const place = token.lastIndexOf('.') + 5
    const other = token[place] === 'A' ? 'B' : 'A'
    const altered = `${token.slice(0, place)}${other}${token.slice(place + 1)}`
    const [head, claims] = token.split('.')
    for (const bad of [altered, token.slice(0, -1), `${token}A`, `${head}.${claims}.`]) {
      expect(await statusesWith(setup, `Bearer ${bad}`)).toEqual([401, 401])
    }
    expect(await statusesWith(setup, `Bearer ${token}`)).toEqual([200, 200])
    // Not even where nobody but the lane is asked.
    const { callers } = remembering()
    await callers.authenticate(`Bearer ${token}`)
    expect(callers.cached(`Bearer ${altered}`)).toBeNull()
  })

  it('is remembered no longer once the key is withdrawn', async () => {
    const [one, two] = [await createKey('one'), await createKey('two')]
    const provider = await startProvider([one, two])
    const setup = await setSetup({
      auth: {
        kind: 'jwt',
        secret: null,
        jwksURL: new URL(provider.url),
        issuer: null,
        audience: null,
      },
    })
    const exp = Math.floor(setup.clock.now().getTime() / 1000) + 36_000
    const signed = async ({ kid, privateKey }: typeof one): Promise<string> =>
      `Bearer ${await new SignJWT({ sub: 'ada', exp }).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey)}`
    const [old, kept] = [await signed(one), await signed(two)]
    for (let lesson = 0; lesson < LESSONS; lesson += 1) {
      await ask(setup.fast, { query: QUERY, headers: { authorization: old } })
    }
    const before = await ask(setup.fast, { query: QUERY, headers: { authorization: old } })
    expect(setup.answeredByLane(before.requestId)).toBe(true)
    provider.serve([two])
    setup.clock.advance(601)
    const after = await ask(setup.fast, { query: QUERY, headers: { authorization: old } })
    expect(after.status).toBe(401)
    expect(await statusesWith(setup, old)).toEqual([401, 401])
    expect(await statusesWith(setup, kept)).toEqual([200, 200])
  })

  it('is forgotten when thousands of others come, and needs no more room than they', async () => {
    const { callers } = remembering()
    const exp = START / 1000 + 3600
    const padding = 'x'.repeat(300)
    const tokens = await Promise.all(
      Array.from({ length: 10_000 }, async (_, index) => {
        const authorization = `Bearer ${await tokenFor(`caller-${index}`, { exp, padding })}`
        return authorization
      }),
    )
    for (const authorization of tokens) {
      expect(isViewer(await callers.authenticate(authorization))).toBe(true)
    }
    const remembered = tokens.filter((authorization) => callers.cached(authorization) !== null)
    const characters = remembered.reduce((sum, header) => sum + header.length - SCHEME, 0)
    expect(characters).toBeLessThanOrEqual(2_000_000)
    expect(remembered.length).toBeGreaterThan(2000)
    expect(remembered).toEqual(tokens.slice(-remembered.length))
    for (const [index, authorization] of tokens.entries()) {
      const viewer = callers.cached(authorization)
      if (viewer !== null && viewer.subject !== `caller-${index}`) throw new Error('Somebody else.')
    }
  })

  it('is remembered however the header is written', async () => {
    const { callers } = remembering()
    const token = await tokenFor('ada', { exp: START / 1000 + 60 })
    await callers.authenticate(`bearer   ${token} `)
    for (const header of [`Bearer ${token}`, `BEARER ${token}`, ` Bearer   ${token}`]) {
      expect(callers.cached(header)).toMatchObject({ subject: 'ada' })
    }
    for (const header of [
      token,
      `Basic ${token}`,
      `Bearer${token}`,
      `Bearer ${token} x`,
      '',
      'Bearer ',
    ]) {
      expect(callers.cached(header)).toBeNull()
    }
  })

  it('of a token longer than any that is common is let in, and not remembered', async () => {
    const { callers } = remembering()
    const exp = START / 1000 + 60
    for (const [padding, isRemembered] of [
      [3000, true],
      [3200, false],
    ] as const) {
      const token = await tokenFor('ada', { exp, padding: 'x'.repeat(padding) })
      expect(token.length <= 4200).toBe(isRemembered)
      expect(isViewer(await callers.authenticate(`Bearer ${token}`))).toBe(true)
      expect(callers.cached(`Bearer ${token}`) !== null).toBe(isRemembered)
    }
  })

  it('who comes again and again is not forgotten for those who came once', async () => {
    const { callers } = remembering()
    const claims = { exp: START / 1000 + 3600, padding: 'x'.repeat(3000) }
    const [regular, once] = [await tokenFor('ada', claims), await tokenFor('bob', claims)]
    for (const token of [regular, once]) await callers.authenticate(`Bearer ${token}`)
    for (let stranger = 0; stranger < 600; stranger += 1) {
      await callers.authenticate(`Bearer ${await tokenFor(`stranger-${stranger}`, claims)}`)
      expect(callers.cached(`Bearer ${regular}`)).toMatchObject({ subject: 'ada' })
    }
    expect(callers.cached(`Bearer ${once}`)).toBeNull()
  })
})
