/** A limit per minute for each caller. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMemoryRateLimiter } from '../../src/rate-limits/memory-rate-limiter.ts'
import { createCallerRateLimit } from '../../src/uploads/caller-rate-limit.ts'
import { rateLimiterError, failingRateLimiter } from '../kit/failing-rate-limiter.ts'
import { retryAfterOf } from '../contracts/rate-limiter-suite.ts'
import type { Consumption, RateLimiter } from '../../src/uploads/ports/rate-limiter.ts'
import { after } from '../kit/samples.ts'

/** The rate limiter's clock, in milliseconds since 1970. */
let clockMs = 0

/** A rate limit of the same size for each caller. */
interface Limit {
  consume(caller: string): Promise<Consumption>
}

function limitOf(rateLimiter: RateLimiter, name: string, perMinute: number): Limit {
  const limit = createCallerRateLimit(rateLimiter, name)
  return { consume: (caller) => limit.consume(caller, perMinute) }
}

async function consumeAt(limit: Limit, caller: string, now: Date): Promise<number | null> {
  clockMs = now.getTime()
  return retryAfterOf(await limit.consume(caller))
}

test('accepts requests up to the limit and returns the whole seconds until the next', async () => {
  const limit = limitOf(
    createMemoryRateLimiter(() => clockMs),
    'mint',
    3,
  )
  for (const second of [0, 10, 20])
    expect(await consumeAt(limit, 'alice', after(second))).toBeNull()
  expect(await consumeAt(limit, 'alice', after(20))).toBe(40)
  expect(await consumeAt(limit, 'alice', after(59.5))).toBe(1)
  expect(await consumeAt(limit, 'alice', after(60))).toBeNull()
  expect(await consumeAt(limit, 'alice', after(60))).toBe(10)
})

test('counts each caller separately', async () => {
  const limit = limitOf(
    createMemoryRateLimiter(() => clockMs),
    'mint',
    1,
  )
  expect(await consumeAt(limit, 'alice', after(0))).toBeNull()
  expect(await consumeAt(limit, 'alice', after(1))).toBe(59)
  expect(await consumeAt(limit, 'bob', after(1))).toBeNull()
})

test('does not count rejected requests', async () => {
  const limit = limitOf(
    createMemoryRateLimiter(() => clockMs),
    'mint',
    1,
  )
  expect(await consumeAt(limit, 'alice', after(0))).toBeNull()
  for (let second = 1; second < 60; second += 1)
    expect(await consumeAt(limit, 'alice', after(second))).toBe(60 - second)
  expect(await consumeAt(limit, 'alice', after(60))).toBeNull()
})

test('keeps the count of an active caller when it removes an idle one', async () => {
  const limit = limitOf(
    createMemoryRateLimiter(() => clockMs),
    'mint',
    2,
  )
  for (const caller of ['alice', 'bob']) expect(await consumeAt(limit, caller, after(0))).toBeNull()
  expect(await consumeAt(limit, 'alice', after(50))).toBeNull()
  // The cleanup of this minute removes bob, and must keep what alice consumed ten seconds ago.
  expect(await consumeAt(limit, 'carol', after(61))).toBeNull()
  expect(await consumeAt(limit, 'alice', after(62))).toBeNull()
  expect(await consumeAt(limit, 'alice', after(63))).toBe(47)
  expect(await consumeAt(limit, 'bob', after(63))).toBeNull()
})

test('never exceeds the limit in any minute, and accepts after the returned wait', async () => {
  const steps = fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 1, maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5 }), steps, async (perMinute, pauses) => {
      const limit = limitOf(
        createMemoryRateLimiter(() => clockMs),
        'mint',
        perMinute,
      )
      const consumed: number[] = []
      let now = after(0).getTime()
      for (const pause of pauses) {
        now += pause
        // A rejected caller retries after the returned wait.
        const wait = (await consumeAt(limit, 'alice', new Date(now))) ?? 0
        now += wait * 1000
        expect(wait === 0 || (await consumeAt(limit, 'alice', new Date(now))) === null).toBe(true)
        consumed.push(now)
        expect(consumed.filter((time) => time > now - 60_000).length).toBeLessThanOrEqual(perMinute)
      }
    }),
  )
})

test('matches a model that inspects every upload of the last minute', async () => {
  const steps = fc.array(
    fc.record({
      pauseMs: fc.oneof(fc.integer({ min: 0, max: 90_000 }), fc.constantFrom(0, 60_000)),
      caller: fc.constantFrom('alice', 'bob', 'carol'),
      uploads: fc.integer({ min: 1, max: 150 }),
    }),
    { maxLength: 40 },
  )
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 120 }), steps, async (perMinute, plan) => {
      const limit = limitOf(
        createMemoryRateLimiter(() => clockMs),
        'mint',
        perMinute,
      )
      const consumed = new Map<string, readonly number[]>()
      let now = after(0).getTime()
      for (const { pauseMs, caller, uploads } of plan) {
        now += pauseMs
        for (let upload = 0; upload < uploads; upload += 1) {
          const recent = (consumed.get(caller) ?? []).filter((time) => time > now - 60_000)
          const [oldest] = recent
          const isOver = oldest !== undefined && recent.length >= perMinute
          const wait = isOver ? Math.max(1, Math.ceil((oldest + 60_000 - now) / 1000)) : null
          expect(await consumeAt(limit, caller, new Date(now))).toBe(wait)
          consumed.set(caller, isOver ? recent : [...recent, now])
        }
      }
    }),
  )
})

test('has a cost independent of the limit', async () => {
  const limit = limitOf(
    createMemoryRateLimiter(() => clockMs),
    'mint',
    1_000_000,
  )
  // Inspecting each unit of the last minute would take hours.
  for (let upload = 0; upload < 300_000; upload += 1) {
    if ((await consumeAt(limit, 'alice', after(upload / 10_000))) !== null)
      throw new Error('rejected')
  }
  expect(await consumeAt(limit, 'alice', after(90))).toBeNull()
})

test('blocks a caller for at most a minute after the clock is set back', async () => {
  const limit = limitOf(
    createMemoryRateLimiter(() => clockMs),
    'mint',
    1,
  )
  expect(await consumeAt(limit, 'alice', after(3600))).toBeNull()
  expect(await consumeAt(limit, 'alice', after(0))).toBe(60)
  expect(await consumeAt(limit, 'alice', after(60))).toBeNull()
})

test('is shared by gateways with one rate limiter, and separate for each action', async () => {
  const rateLimiter = createMemoryRateLimiter(() => clockMs)
  const [first, second] = [limitOf(rateLimiter, 'mint', 2), limitOf(rateLimiter, 'mint', 2)]
  const deletions = limitOf(rateLimiter, 'delete', 2)
  expect(await consumeAt(first, 'alice', after(0))).toBeNull()
  expect(await consumeAt(second, 'alice', after(0))).toBeNull()
  expect([
    await consumeAt(first, 'alice', after(0)),
    await consumeAt(second, 'alice', after(0)),
  ]).toEqual([60, 60])
  expect(await consumeAt(deletions, 'alice', after(0))).toBeNull()
})

test('rejects when the rate limiter is unavailable', async () => {
  const limit = limitOf(failingRateLimiter, 'mint', 2)
  await expect(consumeAt(limit, 'alice', after(0))).rejects.toBe(rateLimiterError)
})

test('counts the same uploads for tokens of one caller with other limits', async () => {
  const limit = createCallerRateLimit(
    createMemoryRateLimiter(() => clockMs),
    'mint',
  )
  clockMs = after(0).getTime()
  const kindOf = async (perMinute: number) => (await limit.consume('alice', perMinute)).kind
  expect([await kindOf(2), await kindOf(2), await kindOf(2)]).toEqual([
    'consumed',
    'consumed',
    'rejected',
  ])
  expect([await kindOf(3), await kindOf(3)]).toEqual(['consumed', 'rejected'])
})
