/** So many in any minute, for each caller alone. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRateLimit } from '../../src/uploads/rate-limit.ts'
import { after } from '../kit/samples.ts'

test('lets so many through, and says in how many whole seconds the next one may come', () => {
  const limit = createRateLimit(3)
  expect([0, 10, 20].map((second) => limit.take('alice', after(second)))).toEqual([
    null,
    null,
    null,
  ])
  expect(limit.take('alice', after(20))).toBe(40)
  expect(limit.take('alice', after(59.5))).toBe(1)
  expect(limit.take('alice', after(60))).toBeNull()
  expect(limit.take('alice', after(60))).toBe(10)
})

test('counts each caller alone', () => {
  const limit = createRateLimit(1)
  expect(limit.take('alice', after(0))).toBeNull()
  expect(limit.take('alice', after(1))).toBe(59)
  expect(limit.take('bob', after(1))).toBeNull()
})

test('does not count what it refuses', () => {
  const limit = createRateLimit(1)
  expect(limit.take('alice', after(0))).toBeNull()
  for (let second = 1; second < 60; second += 1)
    expect(limit.take('alice', after(second))).toBe(60 - second)
  expect(limit.take('alice', after(60))).toBeNull()
})

test('goes on counting those who come often while it forgets those who do not', () => {
  const limit = createRateLimit(2)
  for (const caller of ['alice', 'bob']) expect(limit.take(caller, after(0))).toBeNull()
  expect(limit.take('alice', after(50))).toBeNull()
  // The sweep of this minute forgets bob, and must not forget what alice did ten seconds ago.
  expect(limit.take('carol', after(61))).toBeNull()
  expect(limit.take('alice', after(62))).toBeNull()
  expect(limit.take('alice', after(63))).toBe(47)
  expect(limit.take('bob', after(63))).toBeNull()
})

test('in no minute whatever do more get through, and whoever waits as told gets through', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), steps, (perMinute, pauses) => {
      const limit = createRateLimit(perMinute)
      const taken: number[] = []
      let now = after(0).getTime()
      for (const pause of pauses) {
        now += pause
        // Whoever is refused comes back when told to.
        const wait = limit.take('alice', new Date(now)) ?? 0
        now += wait * 1000
        expect(wait === 0 || limit.take('alice', new Date(now)) === null).toBe(true)
        taken.push(now)
        expect(taken.filter((time) => time > now - 60_000).length).toBeLessThanOrEqual(perMinute)
      }
    }),
  )
})

test('answers as one that looks at every upload of the last minute', () => {
  const steps = fc.array(
    fc.record({
      pauseMs: fc.oneof(fc.integer({ min: 0, max: 90_000 }), fc.constantFrom(0, 60_000)),
      caller: fc.constantFrom('alice', 'bob', 'carol'),
      uploads: fc.integer({ min: 1, max: 150 }),
    }),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 120 }), steps, (perMinute, plan) => {
      const limit = createRateLimit(perMinute)
      const taken = new Map<string, readonly number[]>()
      let now = after(0).getTime()
      for (const { pauseMs, caller, uploads } of plan) {
        now += pauseMs
        for (let upload = 0; upload < uploads; upload += 1) {
          const recent = (taken.get(caller) ?? []).filter((time) => time > now - 60_000)
          const [oldest] = recent
          const isOver = oldest !== undefined && recent.length >= perMinute
          const wait = isOver ? Math.max(1, Math.ceil((oldest + 60_000 - now) / 1000)) : null
          expect(limit.take(caller, new Date(now))).toBe(wait)
          taken.set(caller, isOver ? recent : [...recent, now])
        }
      }
    }),
  )
})

test('is as quick with a large limit as with a small one', () => {
  const limit = createRateLimit(1_000_000)
  // Looking at each of the last minute's would take hours.
  for (let upload = 0; upload < 300_000; upload += 1) {
    if (limit.take('alice', after(upload / 10_000)) !== null) throw new Error('refused')
  }
  expect(limit.take('alice', after(90))).toBeNull()
})

test('holds nobody back for more than a minute where the clock is set back', () => {
  const limit = createRateLimit(1)
  expect(limit.take('alice', after(3600))).toBeNull()
  expect(limit.take('alice', after(0))).toBe(60)
  expect(limit.take('alice', after(60))).toBeNull()
})
