/** Calls of the real adapter with an exhausted budget and with an unavailable rate limiter. */
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
  const createGateway = () =>
    withBudget(
      rest,
      createApiBudget(rateLimiter, 10, () => 0),
    )
  return { emulator, first: createGateway(), second: createGateway() }
}

describe('a budget shared by two gateways', () => {
  test('rejects calls of both after the first exhausted it, and sends no request', async () => {
    const { emulator, first, second } = await start(createMemoryRateLimiter(() => 0))
    for (let request = 0; request < 10; request += 1)
      await first.createDirectUpload(uploadParamsFor(null))
    const { requests } = await emulator.state()
    for (const gateway of [first, second]) {
      const expected = { kind: 'rate-limited', retryAfterSeconds: 300, mayHaveSucceeded: false }
      await expect(gateway.createDirectUpload(uploadParamsFor(null))).rejects.toMatchObject(
        expected,
      )
    }
    expect((await emulator.state()).requests).toEqual(requests)
  })

  test('blocks both when Stream sends Retry-After to one of them', async () => {
    const { emulator, first, second } = await start(createMemoryRateLimiter(() => 0))
    await emulator.fault({ on: 'list', status: 429, retryAfterSeconds: 30 })
    const expected = { kind: 'rate-limited', retryAfterSeconds: 30 }
    await expect(first.listVideos({})).rejects.toMatchObject({ ...expected, status: 429 })
    await expect(second.listVideos({})).rejects.toMatchObject({ ...expected, status: null })
  })

  test('does not block after a 429 without Retry-After', async () => {
    const { emulator, first, second } = await start(createMemoryRateLimiter(() => 0))
    await emulator.fault({ on: 'list', status: 429 })
    await expect(first.listVideos({})).rejects.toMatchObject({ kind: 'rate-limited' })
    expect(await second.listVideos({})).toMatchObject({ videos: [] })
  })
})

describe('an unavailable rate limiter', () => {
  test('rejects the call with its error, and sends no request', async () => {
    const { emulator, first } = await start(failingRateLimiter)
    const { requests } = await emulator.state()
    await expect(first.createDirectUpload(uploadParamsFor(null))).rejects.toBe(rateLimiterError)
    await expect(first.listVideos({})).rejects.toBe(rateLimiterError)
    expect((await emulator.state()).requests).toEqual(requests)
  })

  test('becomes the cause of the rate-limited error when blocking fails', async () => {
    const { emulator, first } = await start({
      ...createMemoryRateLimiter(() => 0),
      block: (key, milliseconds) => failingRateLimiter.block(key, milliseconds),
    })
    await emulator.fault({ on: 'list', status: 429, retryAfterSeconds: 30 })
    const expected = {
      name: 'StreamError',
      kind: 'rate-limited',
      status: 429,
      retryAfterSeconds: 30,
    }
    await expect(first.listVideos({})).rejects.toMatchObject({
      ...expected,
      cause: rateLimiterError,
    })
  })
})
