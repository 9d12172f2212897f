/** What comes of a budget that has no room, or that cannot be asked: by the real adapter. */
import { describe, expect, onTestFinished, test } from 'vitest'
import type { RateLimiter } from '../../src/uploads/ports/rate-limiter.ts'
import { createMemoryRateLimiter } from '../../src/rate-limits/memory-rate-limiter.ts'
import { createUndiciTransport } from '../../src/node/undici-transport.ts'
import { createApiBudget } from '../../src/stream/decorators/api-budget.ts'
import { withBudget } from '../../src/stream/decorators/with-budget.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { uploadParamsFor } from '../contracts/stream-suite.ts'
import { rateLimiterError, failingRateLimiter } from '../kit/failing-rate-limiter.ts'
import { startTestEmulator } from '../kit/emulator.ts'

async function start(rateLimiter: RateLimiter) {
  const emulator = await startTestEmulator()
  const pooled = createUndiciTransport()
  onTestFinished(() => pooled.close())
  const rest = createRestStreamApi({
    accountId: emulator.accountId,
    apiToken: emulator.token,
    baseUrl: emulator.apiBaseUrl,
    send: pooled.send,
  })
  const gateway = () =>
    withBudget(
      rest,
      createApiBudget(rateLimiter, 10, () => 0),
    )
  return { emulator, here: gateway(), there: gateway() }
}

describe('a budget that gateways share', () => {
  test('refuses both of them what one has spent, and sends nothing', async () => {
    const { emulator, here, there } = await start(createMemoryRateLimiter(() => 0))
    for (let request = 0; request < 10; request += 1)
      await here.createDirectUpload(uploadParamsFor(null))
    const { requests } = await emulator.state()
    for (const gateway of [here, there]) {
      const refused = { kind: 'rate-limited', retryAfterSeconds: 300, mayHaveSucceeded: false }
      await expect(gateway.createDirectUpload(uploadParamsFor(null))).rejects.toMatchObject(refused)
    }
    expect((await emulator.state()).requests).toEqual(requests)
  })

  test('holds both of them back when Stream tells one to wait', async () => {
    const { emulator, here, there } = await start(createMemoryRateLimiter(() => 0))
    await emulator.fault({ on: 'list', status: 429, retryAfterSeconds: 30 })
    const refused = { kind: 'rate-limited', retryAfterSeconds: 30 }
    await expect(here.listVideos({})).rejects.toMatchObject({ ...refused, status: 429 })
    await expect(there.listVideos({})).rejects.toMatchObject({ ...refused, status: null })
  })

  test('holds nobody back by a 429 that names no time', async () => {
    const { emulator, here, there } = await start(createMemoryRateLimiter(() => 0))
    await emulator.fault({ on: 'list', status: 429 })
    await expect(here.listVideos({})).rejects.toMatchObject({ kind: 'rate-limited' })
    expect(await there.listVideos({})).toMatchObject({ videos: [] })
  })
})

describe('a budget that cannot be asked', () => {
  test('fails the call with its own error, and sends nothing', async () => {
    const { emulator, here } = await start(failingRateLimiter)
    const { requests } = await emulator.state()
    await expect(here.createDirectUpload(uploadParamsFor(null))).rejects.toBe(rateLimiterError)
    await expect(here.listVideos({})).rejects.toBe(rateLimiterError)
    expect((await emulator.state()).requests).toEqual(requests)
  })

  test('when Stream says to wait, hides neither that nor its own failure', async () => {
    const { emulator, here } = await start({
      ...createMemoryRateLimiter(() => 0),
      block: (key, milliseconds) => failingRateLimiter.block(key, milliseconds),
    })
    await emulator.fault({ on: 'list', status: 429, retryAfterSeconds: 30 })
    const refused = {
      name: 'StreamError',
      kind: 'rate-limited',
      status: 429,
      retryAfterSeconds: 30,
    }
    await expect(here.listVideos({})).rejects.toMatchObject({ ...refused, cause: rateLimiterError })
  })
})
