/** The API budget keeps the gateway below Stream's limit and reserves a share for mutations. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryRateLimiter } from '../../src/rate-limits/memory-rate-limiter.ts'
import { createApiBudget } from '../../src/stream/decorators/api-budget.ts'
import { rateLimiterError, failingRateLimiter } from '../kit/failing-rate-limiter.ts'

const MINUTE_MS = 60_000

function createClock() {
  let now = Date.UTC(2026, 0, 1)
  return {
    now: () => new Date(now),
    ms: () => now,
    advance: (milliseconds: number) => {
      now += milliseconds
    },
  }
}

describe('a budget', () => {
  it('is never exceeded in any five minutes, and mutations can use all of it', async () => {
    const steps = fc.array(
      fc.record({
        pauseMs: fc.integer({ min: 0, max: 90_000 }),
        purpose: fc.constantFrom('mutation' as const, 'sync' as const),
        requests: fc.integer({ min: 1, max: 30 }),
      }),
      { maxLength: 60 },
    )
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 10, max: 60 }), steps, async (limit, plan) => {
        const clock = createClock()
        const budget = createApiBudget(createMemoryRateLimiter(clock.ms), limit, clock.ms)
        const consumedAt: number[] = []
        for (const { pauseMs, purpose, requests } of plan) {
          clock.advance(pauseMs)
          const at = clock.now().getTime()
          for (let request = 0; request < requests; request += 1) {
            const recent = consumedAt.filter((time) => time > at - 5 * MINUTE_MS).length
            const wait = await budget.consume(purpose)
            if (wait === null) consumedAt.push(at)
            expect(recent + (wait === null ? 1 : 0)).toBeLessThanOrEqual(limit)
            const mayReject = purpose === 'sync' || recent === limit
            expect(wait === null || mayReject).toBe(true)
          }
        }
      }),
    )
  })

  it('agrees with a reference that checks every request of the last five minutes', async () => {
    const steps = fc.array(
      fc.record({
        // Includes pauses that end exactly at a window boundary.
        pauseMs: fc.oneof(
          fc.integer({ min: 0, max: 400_000 }),
          fc.constantFrom(0, 60_000, 300_000),
        ),
        purpose: fc.constantFrom('mutation' as const, 'sync' as const),
        requests: fc.integer({ min: 1, max: 200 }),
      }),
      { maxLength: 40 },
    )
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 10, max: 150 }), steps, async (limit, plan) => {
        const clock = createClock()
        const budget = createApiBudget(createMemoryRateLimiter(clock.ms), limit, clock.ms)
        const reference = createReferenceBudget(limit)
        for (const { pauseMs, purpose, requests } of plan) {
          clock.advance(pauseMs)
          for (let request = 0; request < requests; request += 1) {
            const at = clock.now().getTime()
            expect(await budget.consume(purpose)).toBe(reference.consume(purpose, at))
            expect(await budget.remaining()).toBe(reference.remaining(at))
          }
        }
      }),
    )
  })

  it('handles 300,000 requests with a limit of one million', async () => {
    const clock = createClock()
    const budget = createApiBudget(createMemoryRateLimiter(clock.ms), 1_000_000, clock.ms)
    // Checking every request of the last five minutes would take hours.
    for (let request = 0; request < 300_000; request += 1) {
      clock.advance(1)
      const purpose = request % 5 === 0 ? 'sync' : 'mutation'
      if ((await budget.consume(purpose)) !== null) throw new Error('rejected')
    }
    expect(await budget.remaining()).toBe(700_000)
  })

  it('waits at most five minutes after the clock is set back', async () => {
    const clock = createClock()
    const budget = createApiBudget(createMemoryRateLimiter(clock.ms), 10, clock.ms)
    while ((await budget.consume('mutation')) === null) clock.advance(1000)
    clock.advance(-24 * 60 * MINUTE_MS)
    expect(await budget.consume('mutation')).toBe(300)
    clock.advance(5 * MINUTE_MS)
    expect(await budget.consume('mutation')).toBeNull()
  })

  it('reserves a fifth for mutations, and returns the seconds until the next request', async () => {
    const clock = createClock()
    const budget = createApiBudget(createMemoryRateLimiter(clock.ms), 10, clock.ms)
    for (let request = 0; request < 8; request += 1) expect(await budget.consume('sync')).toBeNull()
    clock.advance(MINUTE_MS)
    expect(await budget.consume('sync')).toBe(240)
    expect(await budget.remaining()).toBe(2)
    for (const wait of [null, null, 240]) expect(await budget.consume('mutation')).toBe(wait)
    clock.advance(4 * MINUTE_MS)
    expect(await budget.consume('sync')).toBeNull()
  })

  it('blocks all requests for the longest time that Stream requested, with and without a limit', async () => {
    for (const limit of [null, 100]) {
      const clock = createClock()
      const budget = createApiBudget(createMemoryRateLimiter(clock.ms), limit, clock.ms)
      await budget.blockFor(30)
      await budget.blockFor(10)
      clock.advance(20_000)
      expect(await budget.consume('mutation')).toBe(10)
      clock.advance(10_000)
      expect(await budget.consume('mutation')).toBeNull()
    }
  })

  it('returns the wait of sync requests after mutations exceeded their pace', async () => {
    const clock = createClock()
    const budget = createApiBudget(createMemoryRateLimiter(clock.ms), 100, clock.ms)
    for (let request = 0; request < 20; request += 1) {
      expect(await budget.consume('mutation')).toBeNull()
      clock.advance(1000)
    }
    // The sync pace is 16 requests per minute, so five of the twenty must leave the window.
    expect(await budget.consume('sync')).toBe(44)
    clock.advance(43_999)
    expect(await budget.consume('sync')).toBe(1)
    clock.advance(1)
    expect(await budget.consume('sync')).toBeNull()
  })

  it('is shared by all gateways with the same rate limiter, including blocks', async () => {
    const clock = createClock()
    const rateLimiter = createMemoryRateLimiter(clock.ms)
    const first = createApiBudget(rateLimiter, 10, clock.ms)
    const second = createApiBudget(rateLimiter, 10, clock.ms)
    for (let request = 0; request < 5; request += 1) {
      expect(await first.consume('mutation')).toBeNull()
      expect(await second.consume('mutation')).toBeNull()
    }
    expect([await first.remaining(), await second.remaining()]).toEqual([0, 0])
    expect(await second.consume('mutation')).toBe(300)
    clock.advance(5 * MINUTE_MS)
    await first.blockFor(3600)
    expect(await second.consume('mutation')).toBe(600)
  })

  it('without a limit does not use the rate limiter and is infinite', async () => {
    const clock = createClock()
    const budget = createApiBudget(failingRateLimiter, null, clock.ms)
    for (let request = 0; request < 2000; request += 1)
      expect(await budget.consume('sync')).toBeNull()
    expect(await budget.remaining()).toBe(Number.POSITIVE_INFINITY)
    await budget.blockFor(3600)
    expect(await budget.consume('mutation')).toBe(600)
  })

  it('rejects when the rate limiter is unavailable', async () => {
    const budget = createApiBudget(failingRateLimiter, 10, createClock().ms)
    await expect(budget.consume('mutation')).rejects.toBe(rateLimiterError)
    await expect(budget.blockFor(1)).rejects.toBe(rateLimiterError)
    await expect(budget.remaining()).rejects.toBe(rateLimiterError)
  })
})

/** A reference implementation that stores every request of the last five minutes. */
function createReferenceBudget(limit: number) {
  let consumedAt: number[] = []

  function since(at: number, spanMs: number): readonly number[] {
    return consumedAt.filter((time) => time > at - spanMs)
  }

  return {
    consume(purpose: 'mutation' | 'sync', at: number): number | null {
      consumedAt = [...since(at, 5 * MINUTE_MS)]
      const share = purpose === 'mutation' ? limit : limit * 0.8
      const lastMinute = since(at, MINUTE_MS)
      const perMinute = purpose === 'mutation' ? limit : Math.max(8, (limit * 0.8) / 5)
      const paceWait = waitFor(lastMinute, perMinute, MINUTE_MS, at)
      const shareWait = waitFor(consumedAt, share, 5 * MINUTE_MS, at)
      if (paceWait !== null || shareWait !== null) return Math.max(paceWait ?? 1, shareWait ?? 1)
      consumedAt.push(at)
      return null
    },
    remaining: (at: number) => Math.max(0, limit - since(at, 5 * MINUTE_MS).length),
  }
}

/** Returns the seconds until fewer than `limit` requests are in the window; null if this is so already. */
function waitFor(
  recent: readonly number[],
  limit: number,
  spanMs: number,
  at: number,
): number | null {
  if (recent.length < limit) return null
  const oldest = recent[Math.floor(recent.length - limit)] ?? at
  return Math.max(1, Math.ceil((oldest + spanMs - at) / 1000))
}
