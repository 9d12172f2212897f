/** `playback` without a signing key: each token is requested from Stream, inside the budget. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  type Caller,
  type TestGateway,
  TEST_SECRET,
  startTestGateway,
  tokenFor,
} from '../kit/gateway.ts'
import { countTokenRequests, playbackOf, statusOf, tokenOf, uploadVideo } from './kit.ts'

interface Setup {
  readonly gateway: TestGateway
  readonly ada: Caller
  readonly uid: string
  readonly tokenRequests: () => Promise<number>
}

async function start(variables: Readonly<Record<string, string>> = {}): Promise<Setup> {
  const gateway = await startTestGateway({
    AUTH_JWT_SECRET: TEST_SECRET,
    EMULATOR_ENCODE_MS: '0',
    ...variables,
  })
  const ada = gateway.as(await tokenFor('ada', { exp: 4_000_000_000 }))
  const uid = await uploadVideo(ada)
  const tokenRequests = () => countTokenRequests(gateway.emulator)
  return { gateway, ada, uid, tokenRequests }
}

/** Advances the clocks of the gateway and of the emulator. */
async function advance({ gateway }: Setup, seconds: number): Promise<void> {
  gateway.clock.advance(seconds)
  await gateway.emulator.advanceClock(seconds)
}

describe('a token from Stream', () => {
  it('plays the video, and is shared by all callers for half of its life', async () => {
    const setup = await start()
    const { gateway, ada, uid, tokenRequests } = setup
    const viewer = gateway.as(await tokenFor('bob', { scope: 'videos:play', exp: 4_000_000_000 }))
    const first = await playbackOf(ada, uid, { ttlSeconds: 1000 })
    expect(await statusOf(first?.hlsURL ?? '')).toBe(200)
    await advance(setup, 490)
    expect(await playbackOf(viewer, uid, { ttlSeconds: 1000 })).toEqual(first)
    expect(await tokenRequests()).toBe(1)
    await advance(setup, 15)
    const second = await playbackOf(viewer, uid, { ttlSeconds: 1000 })
    expect(second?.token).not.toBe(first?.token)
    expect(Date.parse(second?.expiresAt ?? '')).toBeGreaterThan(Date.parse(first?.expiresAt ?? ''))
    expect(await tokenRequests()).toBe(2)
    await advance(setup, 600)
    expect(await statusOf(first?.hlsURL ?? '')).toBe(401)
    expect(await statusOf(second?.hlsURL ?? '')).toBe(200)
  })

  it('is requested once for 10,000 equal fields of many callers', async () => {
    const { gateway, uid, tokenRequests } = await start()
    const fields = Array.from({ length: 50 }, (_, at) => `a${at}: playback(uid: $uid) { token }`)
    const document = `query ($uid: ID!) { ${fields.join(' ')} }`
    const callers = await Promise.all(
      Array.from({ length: 4 }, async (_, at) =>
        gateway.as(await tokenFor(`viewer-${at}`, { scope: 'videos:play' })),
      ),
    )
    const tokens = new Set<string>()
    // More at once could be rejected on a busy machine.
    for (let sent = 0; sent < 50; sent += 1) {
      const results = await Promise.all(
        callers.map((caller) =>
          caller.request(z.record(z.string(), z.object({ token: z.string() })), document, { uid }),
        ),
      )
      for (const result of results) {
        for (const { token } of Object.values(result)) tokens.add(token)
      }
    }
    expect(tokens.size).toBe(1)
    expect(await tokenRequests()).toBe(1)
  })

  it('is another one for another life or for downloads', async () => {
    const { gateway, ada, uid, tokenRequests } = await start()
    const tokens = new Set<string>()
    for (const args of [{}, { ttlSeconds: 60 }, { downloadable: true }, { ttlSeconds: 3600 }])
      tokens.add(await tokenOf(ada, uid, args))
    expect(tokens.size).toBe(3)
    expect(await tokenRequests()).toBe(3)
    const token = await tokenOf(ada, uid, { downloadable: true })
    expect(await statusOf(`${gateway.emulator.url}/${token}/downloads/default.mp4`)).toBe(200)
  })

  it('is requested inside the budget of requests to Stream', async () => {
    const { gateway, ada, uid, tokenRequests } = await start({ STREAM_API_BUDGET: '30' })
    const outcomes: string[] = []
    for (let ttlSeconds = 60; ttlSeconds < 100; ttlSeconds += 1) {
      outcomes.push(
        await playbackOf(ada, uid, { ttlSeconds }).then(
          () => 'token',
          (error: unknown) => String(error),
        ),
      )
    }
    const rejected = outcomes.filter((outcome) => outcome !== 'token')
    expect(rejected.length).toBeGreaterThan(0)
    for (const error of rejected) {
      expect(error).toContain('RATE_LIMITED')
      expect(error).toContain('The request limit of Cloudflare Stream is reached.')
    }
    // 80 % of the budget: the rest is reserved for mutations.
    expect(await tokenRequests()).toBe(40 - rejected.length)
    const { requests } = await gateway.emulator.state()
    expect(Object.values(requests).reduce((sum, count) => sum + count, 0)).toBeLessThan(40)
  })

  it('of 24 hours is accepted if the clock of Stream is behind', async () => {
    const { gateway, ada, uid } = await start()
    gateway.clock.advance(59)
    const token = await tokenOf(ada, uid, { ttlSeconds: 86_400 })
    expect(await statusOf(`${gateway.emulator.url}/${token}/manifest/video.m3u8`)).toBe(200)
  })

  it('is limited per caller like a creation', async () => {
    const { gateway, ada, uid, tokenRequests } = await start({ RATE_LIMIT_CREATES: '2' })
    const viewer = gateway.as(await tokenFor('bob', { scope: 'videos:play' }))
    await tokenOf(ada, uid, { ttlSeconds: 60 })
    await tokenOf(ada, uid, { ttlSeconds: 61 })
    const rejected = await playbackOf(ada, uid, { ttlSeconds: 62 }).catch((error: unknown) => error)
    expect(rejected).toMatchObject({
      response: {
        errors: [
          {
            message: 'Rate limit exceeded: 2 playback tokens per minute.',
            extensions: { code: 'RATE_LIMITED', retryAfterSeconds: expect.any(Number) },
          },
        ],
      },
    })
    // Tokens that exist already are not limited, nor are other callers.
    await tokenOf(ada, uid, { ttlSeconds: 60 })
    await tokenOf(viewer, uid, { ttlSeconds: 62 })
    expect(await tokenRequests()).toBe(3)
  })

  it('fails with one request if Stream does not respond, and is requested again later', async () => {
    const setup = await start()
    const { gateway, ada, uid, tokenRequests } = setup
    const other = await uploadVideo(ada)
    // Then the operation is compiled: the fast path bails out, and the fallback executes it again.
    for (let run = 0; run < 3; run += 1) await tokenOf(ada, other)
    await gateway.emulator.fault({ on: 'token', times: 100, status: 500 })
    const before = await tokenRequests()
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(playbackOf(ada, uid)).rejects.toThrow('STREAM_UNAVAILABLE')
    }
    expect(await tokenRequests()).toBe(before + 1)
    await gateway.emulator.clearFaults()
    await advance(setup, 3)
    await tokenOf(ada, uid)
    expect(await tokenRequests()).toBe(before + 2)
  })

  it('is null for a video that Stream does not know any more', async () => {
    const { gateway, ada, uid } = await start()
    await gateway.emulator.fault({ on: 'token', times: 1, status: 404 })
    expect(await playbackOf(ada, uid)).toBeNull()
  })
})
