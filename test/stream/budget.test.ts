/** The budget keeps the gateway below Stream's limit, whatever comes, and lets mutations go first. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createApiBudget } from '../../src/stream/budget.ts'

const MINUTE_MS = 60_000

function createClock() {
  let now = Date.UTC(2026, 0, 1)
  return {
    now: () => new Date(now),
    advance: (milliseconds: number) => {
      now += milliseconds
    },
  }
}

describe('a budget', () => {
  it('is never exceeded in any five minutes, and is used up in full by mutations', () => {
    const steps = fc.array(
      fc.record({
        pauseMs: fc.integer({ min: 0, max: 90_000 }),
        purpose: fc.constantFrom('mutation' as const, 'synchronisation' as const),
        requests: fc.integer({ min: 1, max: 30 }),
      }),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 60 }), steps, (limit, plan) => {
        const clock = createClock()
        const budget = createApiBudget(limit, clock.now)
        const made: number[] = []
        for (const { pauseMs, purpose, requests } of plan) {
          clock.advance(pauseMs)
          const at = clock.now().getTime()
          for (let request = 0; request < requests; request += 1) {
            const recent = made.filter((time) => time > at - 5 * MINUTE_MS).length
            const wait = budget.take(purpose)
            if (wait === null) made.push(at)
            expect(recent + (wait === null ? 1 : 0)).toBeLessThanOrEqual(limit)
            const mayRefuse = purpose === 'synchronisation' || recent === limit
            expect(wait === null || mayRefuse).toBe(true)
          }
        }
      }),
    )
  })

  it('answers as one that looks at every request of the last five minutes', () => {
    const steps = fc.array(
      fc.record({
        // Often to the very millisecond at which something is over.
        pauseMs: fc.oneof(
          fc.integer({ min: 0, max: 400_000 }),
          fc.constantFrom(0, 60_000, 300_000),
        ),
        purpose: fc.constantFrom('mutation' as const, 'synchronisation' as const),
        requests: fc.integer({ min: 1, max: 200 }),
      }),
      { maxLength: 40 },
    )
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 150 }), steps, (limit, plan) => {
        const clock = createClock()
        const budget = createApiBudget(limit, clock.now)
        const simple = createSimpleBudget(limit)
        for (const { pauseMs, purpose, requests } of plan) {
          clock.advance(pauseMs)
          for (let request = 0; request < requests; request += 1) {
            const at = clock.now().getTime()
            expect(budget.take(purpose)).toBe(simple.take(purpose, at))
            expect(budget.left()).toBe(simple.left(at))
          }
        }
      }),
    )
  })

  it('is as quick with a large limit as with a small one', () => {
    const clock = createClock()
    const budget = createApiBudget(1_000_000, clock.now)
    // Looking at each of the last five minutes' would take hours.
    for (let request = 0; request < 300_000; request += 1) {
      clock.advance(1)
      if (budget.take(request % 5 === 0 ? 'synchronisation' : 'mutation') !== null)
        throw new Error('refused')
    }
    expect(budget.left()).toBe(700_000)
  })

  it('holds nobody back for more than five minutes where the clock is set back', () => {
    const clock = createClock()
    const budget = createApiBudget(10, clock.now)
    while (budget.take('mutation') === null) clock.advance(1000)
    clock.advance(-24 * 60 * MINUTE_MS)
    expect(budget.take('mutation')).toBe(300)
    clock.advance(5 * MINUTE_MS)
    expect(budget.take('mutation')).toBeNull()
  })

  it('keeps a fifth for mutations, and says when there is room again', () => {
    const clock = createClock()
    const budget = createApiBudget(10, clock.now)
    for (let request = 0; request < 8; request += 1)
      expect(budget.take('synchronisation')).toBeNull()
    clock.advance(MINUTE_MS)
    expect(budget.take('synchronisation')).toBe(240)
    expect(budget.left()).toBe(2)
    expect([budget.take('mutation'), budget.take('mutation'), budget.take('mutation')]).toEqual([
      null,
      null,
      240,
    ])
    clock.advance(4 * MINUTE_MS)
    expect(budget.take('synchronisation')).toBeNull()
  })

  it('holds everything back for as long as Stream says, limit or no limit', () => {
    for (const limit of [null, 100]) {
      const clock = createClock()
      const budget = createApiBudget(limit, clock.now)
      budget.holdFor(30)
      budget.holdFor(10)
      clock.advance(20_000)
      expect(budget.take('mutation')).toBe(10)
      clock.advance(10_000)
      expect(budget.take('mutation')).toBeNull()
    }
  })
})

/** The rules in the plainest words: every request of the last five minutes, looked at each time. */
function createSimpleBudget(limit: number) {
  let made: number[] = []

  function since(at: number, spanMs: number): readonly number[] {
    return made.filter((time) => time > at - spanMs)
  }

  return {
    take(purpose: 'mutation' | 'synchronisation', at: number): number | null {
      made = [...since(at, 5 * MINUTE_MS)]
      const share = purpose === 'mutation' ? limit : limit * 0.8
      const lately = since(at, MINUTE_MS)
      const [oldest] = lately
      const pace = Math.max(8, (limit * 0.8) / 5)
      if (purpose === 'synchronisation' && oldest !== undefined && lately.length >= pace)
        return Math.max(1, Math.ceil((oldest + MINUTE_MS - at) / 1000))
      if (made.length < share) {
        made.push(at)
        return null
      }
      const leaver = made[Math.min(Math.floor(made.length - share), made.length - 1)] ?? at
      return Math.max(1, Math.ceil((leaver + 5 * MINUTE_MS - at) / 1000))
    },
    left: (at: number) => Math.max(0, limit - since(at, 5 * MINUTE_MS).length),
  }
}
