/** The budget keeps the gateway below Stream's limit, whatever comes, and lets mutations go first. */
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
  it('is never exceeded in any five minutes, and is used up in full by mutations', async () => {
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
        const made: number[] = []
        for (const { pauseMs, purpose, requests } of plan) {
          clock.advance(pauseMs)
          const at = clock.now().getTime()
          for (let request = 0; request < requests; request += 1) {
            const recent = made.filter((time) => time > at - 5 * MINUTE_MS).length
            const wait = await budget.consume(purpose)
            if (wait === null) made.push(at)
            expect(recent + (wait === null ? 1 : 0)).toBeLessThanOrEqual(limit)
            const mayRefuse = purpose === 'sync' || recent === limit
            expect(wait === null || mayRefuse).toBe(true)
          }
        }
      }),
    )
  })

  it('answers as one that looks at every request of the last five minutes', async () => {
    const steps = fc.array(
      fc.record({
        // Often to the very millisecond at which something is over.
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
        const simple = createSimpleBudget(limit)
        for (const { pauseMs, purpose, requests } of plan) {
          clock.advance(pauseMs)
          for (let request = 0; request < requests; request += 1) {
            const at = clock.now().getTime()
            expect(await budget.consume(purpose)).toBe(simple.take(purpose, at))
            expect(await budget.remaining()).toBe(simple.left(at))
          }
        }
      }),
    )
  })

  it('is as quick with a large limit as with a small one', async () => {
    const clock = createClock()
    const budget = createApiBudget(createMemoryRateLimiter(clock.ms), 1_000_000, clock.ms)
    // Looking at each of the last five minutes' would take hours.
    for (let request = 0; request < 300_000; request += 1) {
      clock.advance(1)
      const purpose = request % 5 === 0 ? 'sync' : 'mutation'
      if ((await budget.consume(purpose)) !== null) throw new Error('refused')
    }
    expect(await budget.remaining()).toBe(700_000)
  })

  it('holds nobody back for more than five minutes where the clock is set back', async () => {
    const clock = createClock()
    const budget = createApiBudget(createMemoryRateLimiter(clock.ms), 10, clock.ms)
    while ((await budget.consume('mutation')) === null) clock.advance(1000)
    clock.advance(-24 * 60 * MINUTE_MS)
    expect(await budget.consume('mutation')).toBe(300)
    clock.advance(5 * MINUTE_MS)
    expect(await budget.consume('mutation')).toBeNull()
  })

  it('keeps a fifth for mutations, and says when there is room again', async () => {
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

  it('holds everything back for as long as Stream says, limit or no limit', async () => {
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

  it('says how long it takes until there is room, however much more mutations took', async () => {
    const clock = createClock()
    const budget = createApiBudget(createMemoryRateLimiter(clock.ms), 100, clock.ms)
    for (let request = 0; request < 20; request += 1) {
      expect(await budget.consume('mutation')).toBeNull()
      clock.advance(1000)
    }
    // Sixteen a minute: five of those twenty must have left.
    expect(await budget.consume('sync')).toBe(44)
    clock.advance(43_999)
    expect(await budget.consume('sync')).toBe(1)
    clock.advance(1)
    expect(await budget.consume('sync')).toBeNull()
  })

  it('is one for all gateways that share the allowances, and so is what Stream says', async () => {
    const clock = createClock()
    const rateLimiter = createMemoryRateLimiter(clock.ms)
    const here = createApiBudget(rateLimiter, 10, clock.ms)
    const there = createApiBudget(rateLimiter, 10, clock.ms)
    for (let request = 0; request < 5; request += 1) {
      expect(await here.consume('mutation')).toBeNull()
      expect(await there.consume('mutation')).toBeNull()
    }
    expect([await here.remaining(), await there.remaining()]).toEqual([0, 0])
    expect(await there.consume('mutation')).toBe(300)
    clock.advance(5 * MINUTE_MS)
    await here.blockFor(3600)
    expect(await there.consume('mutation')).toBe(600)
  })

  it('without a limit asks the allowances nothing, and never ends', async () => {
    const clock = createClock()
    const budget = createApiBudget(failingRateLimiter, null, clock.ms)
    for (let request = 0; request < 2000; request += 1)
      expect(await budget.consume('sync')).toBeNull()
    expect(await budget.remaining()).toBe(Number.POSITIVE_INFINITY)
    await budget.blockFor(3600)
    expect(await budget.consume('mutation')).toBe(600)
  })

  it('that cannot be asked says so', async () => {
    const budget = createApiBudget(failingRateLimiter, 10, createClock().ms)
    await expect(budget.consume('mutation')).rejects.toBe(rateLimiterError)
    await expect(budget.blockFor(1)).rejects.toBe(rateLimiterError)
    await expect(budget.remaining()).rejects.toBe(rateLimiterError)
  })
})

/** The rules in the plainest words: every request of the last five minutes, looked at each time. */
function createSimpleBudget(limit: number) {
  let made: number[] = []

  function since(at: number, spanMs: number): readonly number[] {
    return made.filter((time) => time > at - spanMs)
  }

  return {
    take(purpose: 'mutation' | 'sync', at: number): number | null {
      made = [...since(at, 5 * MINUTE_MS)]
      const share = purpose === 'mutation' ? limit : limit * 0.8
      const lately = since(at, MINUTE_MS)
      const pace = purpose === 'mutation' ? limit : Math.max(8, (limit * 0.8) / 5)
      const paceWait = waitFor(lately, pace, MINUTE_MS, at)
      const shareWait = waitFor(made, share, 5 * MINUTE_MS, at)
      if (paceWait !== null || shareWait !== null) return Math.max(paceWait ?? 1, shareWait ?? 1)
      made.push(at)
      return null
    },
    left: (at: number) => Math.max(0, limit - since(at, 5 * MINUTE_MS).length),
  }
}

/** Seconds until so many have left that there is room for one more; null where there is. */
function waitFor(
  recent: readonly number[],
  most: number,
  spanMs: number,
  at: number,
): number | null {
  if (recent.length < most) return null
  const leaver = recent[Math.floor(recent.length - most)] ?? at
  return Math.max(1, Math.ceil((leaver + spanMs - at) / 1000))
}
