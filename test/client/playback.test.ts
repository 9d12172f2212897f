/** `client.playback`: addresses of videos, renewed before they expire. */
import { describe, expect, it, vi } from 'vitest'
import type { Playback, UploadClient } from '../../src/client/client.ts'
import { type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { startWithSigningKey, uploadVideo } from '../playback/kit.ts'
import { clientOf, withAdvancingClock } from './kit.ts'

const MINUTE = 60

/** Advances the clocks of the gateway, of its emulator, and of the clients. */
async function advance(gateway: TestGateway, seconds: number): Promise<void> {
  await gateway.emulator.advanceClock(seconds)
  gateway.clock.advance(seconds)
}

/** Starts the iteration in the background, as a player does. */
function follow(client: UploadClient, uid: string, options = {}) {
  const received: Playback[] = []
  const run = async (): Promise<'ended'> => {
    for await (const playback of client.playback(uid, options)) received.push(playback)
    return 'ended'
  }
  const end = run()
  // A rejection is expected later.
  end.catch(() => undefined)
  const untilReceived = (count: number) =>
    vi.waitFor(() => expect(received.length).toBe(count), { timeout: 5000, interval: 5 })
  return { received, end, untilReceived }
}

async function statusesOf(playback: Playback | undefined): Promise<readonly number[]> {
  const { hlsURL = '', dashURL = '', iframeURL = '', thumbnailURL = '' } = playback ?? {}
  return Promise.all(
    [hlsURL, dashURL, iframeURL, thumbnailURL].map(async (url) => (await fetch(url)).status),
  )
}

const PLAYS = [200, 200, 200, 200]

describe('playback of a private video', () => {
  it.each([
    // Stream's tokens are shared for half of their life.
    ['requested from Stream', () => startTestGateway({ EMULATOR_ENCODE_MS: '0' }), 30],
    [
      'signed by the gateway',
      async () =>
        (await startWithSigningKey({ AUTH_JWT_SECRET: '', AUTH_DISABLED: 'true' })).gateway,
      15,
    ],
  ] as const)(
    'is renewed for ten hours, with tokens %s, without a gap',
    async (_name, start, minutesPerToken) => {
      const gateway = await start()
      const uid = await uploadVideo(gateway.as())
      const abort = new AbortController()
      const { received, end, untilReceived } = follow(clientOf(gateway), uid, {
        signal: abort.signal,
      })
      await untilReceived(1)
      for (let minute = 15; minute <= 600; minute += 15) {
        await advance(gateway, 15 * MINUTE)
        await untilReceived(1 + Math.floor(minute / minutesPerToken))
        expect((await fetch(received.at(-1)?.hlsURL ?? '')).status).toBe(200)
      }
      expect(await statusesOf(received.at(-1))).toEqual(PLAYS)
      expect((await fetch(received[0]?.hlsURL ?? '')).status).toBe(401)
      abort.abort()
      await expect(end).rejects.toBe(abort.signal.reason)
    },
    60_000,
  )

  it('asks again after failures, while the addresses work', async () => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '0' })
    const uid = await uploadVideo(gateway.as())
    let failing = false
    let failures = 0
    const client = clientOf(gateway, {
      retries: 2,
      fetch: async (input, init) => {
        if (!failing) return fetch(input, init)
        failures += 1
        throw new TypeError('unreachable')
      },
    })
    const { received, end, untilReceived } = follow(client, uid)
    await untilReceived(1)
    failing = true
    await advance(gateway, 30 * MINUTE)
    await withAdvancingClock(
      gateway.clock,
      vi.waitFor(() => expect(failures).toBeGreaterThan(10), { timeout: 10_000 }),
    )
    failing = false
    await withAdvancingClock(gateway.clock, untilReceived(2))
    expect(await statusesOf(received[1])).toEqual(PLAYS)

    // After the expiry, as many failures as `retries` end it.
    failing = true
    await advance(gateway, 61 * MINUTE)
    await expect(withAdvancingClock(gateway.clock, end)).rejects.toMatchObject({ code: 'NETWORK' })
    expect(received).toHaveLength(2)
  })

  it('asks again after a failure of Stream', async () => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '0' })
    const uid = await uploadVideo(gateway.as())
    await gateway.emulator.fault({ on: 'token', status: 503, times: 1 })
    const abort = new AbortController()
    const { received, untilReceived } = follow(clientOf(gateway), uid, { signal: abort.signal })
    await withAdvancingClock(gateway.clock, untilReceived(1), 5)
    expect(await statusesOf(received[0])).toEqual(PLAYS)
    abort.abort()
  })

  it('ends when the video is deleted', async () => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '0' })
    const uid = await uploadVideo(gateway.as())
    const client = clientOf(gateway)
    const { received, end, untilReceived } = follow(client, uid)
    await untilReceived(1)
    await client.delete(uid)
    await advance(gateway, 15 * MINUTE)
    expect(await end).toBe('ended')
    expect(received).toHaveLength(1)
  })

  it('stops at once, without a further request', async () => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '0' })
    const uid = await uploadVideo(gateway.as())
    let requests = 0
    const client = clientOf(gateway, {
      fetch: (input, init) => {
        requests += 1
        return fetch(input, init)
      },
    })
    const abort = new AbortController()
    const { end, untilReceived } = follow(client, uid, { signal: abort.signal })
    await untilReceived(1)
    abort.abort(new Error('the page was closed'))
    await expect(end).rejects.toThrow('the page was closed')
    for await (const { token } of client.playback(uid)) {
      expect(token).not.toBeNull()
      break
    }
    await advance(gateway, 600 * MINUTE)
    expect(requests).toBe(2)
  })

  it('has tokens with the requested lifetime and rights', async () => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '0' })
    const uid = await uploadVideo(gateway.as())
    const abort = new AbortController()
    const options = { ttlSeconds: 120, downloadable: true, signal: abort.signal }
    const { received, untilReceived } = follow(clientOf(gateway), uid, options)
    await untilReceived(1)
    const { token, expiresAt } = received[0] ?? {}
    const claims: unknown = JSON.parse(atob(token?.split('.')[1] ?? ''))
    expect(claims).toMatchObject({ downloadable: true, exp: Date.parse(expiresAt ?? '') / 1000 })
    await advance(gateway, 60)
    await untilReceived(2)
    abort.abort()
  })
})

describe('playback', () => {
  it('of a public video yields its addresses once', async () => {
    const gateway = await startTestGateway({ EMULATOR_ENCODE_MS: '0' })
    const uid = await uploadVideo(gateway.as(), {})
    const { received, end } = follow(clientOf(gateway), uid)
    expect(await end).toBe('ended')
    expect(received).toMatchObject([{ token: null, expiresAt: null }])
    expect(await statusesOf(received[0])).toEqual(PLAYS)
  })

  it('of an unknown video, and of one of another creator, yields nothing', async () => {
    const { gateway } = await startWithSigningKey()
    const uid = await uploadVideo(gateway.as(await tokenFor('ada')))
    const grace = clientOf(gateway, { token: await tokenFor('grace') })
    for (const id of [uid, '0'.repeat(32)]) {
      const { received, end } = follow(grace, id)
      expect(await end).toBe('ended')
      expect(received).toEqual([])
    }
  })

  it('rejects a life that Stream does not accept', async () => {
    const gateway = await startTestGateway()
    const { end } = follow(clientOf(gateway), '0'.repeat(32), { ttlSeconds: 59 })
    await expect(end).rejects.toThrow('`ttlSeconds` must be from 60 to 86400.')
  })
})
