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
