/** So many in any minute, for each caller alone. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMemoryRateLimiter } from '../../src/rate-limits/memory-rate-limiter.ts'
import { type CallerRateLimit, createCallerRateLimit } from '../../src/uploads/caller-rate-limit.ts'
import { away, awayRateLimiter } from '../kit/failing-rate-limiter.ts'
import { retryAfterOf } from '../contracts/rate-limiter-suite.ts'
import { after } from '../kit/samples.ts'

/** Milliseconds since 1970, as the allowances see it. */
let clockMs = 0

async function takeAt(limit: CallerRateLimit, caller: string, now: Date): Promise<number | null> {
  clockMs = now.getTime()
  return retryAfterOf(await limit.consume(caller))
}

test('lets so many through, and says in how many whole seconds the next one may come', async () => {
  const limit = createCallerRateLimit(
    createMemoryRateLimiter(() => clockMs),
    'mint',
    3,
  )
  for (const second of [0, 10, 20]) expect(await takeAt(limit, 'alice', after(second))).toBeNull()
  expect(await takeAt(limit, 'alice', after(20))).toBe(40)
  expect(await takeAt(limit, 'alice', after(59.5))).toBe(1)
  expect(await takeAt(limit, 'alice', after(60))).toBeNull()
  expect(await takeAt(limit, 'alice', after(60))).toBe(10)
})

test('counts each caller alone', async () => {
  const limit = createCallerRateLimit(
    createMemoryRateLimiter(() => clockMs),
    'mint',
    1,
  )
  expect(await takeAt(limit, 'alice', after(0))).toBeNull()
  expect(await takeAt(limit, 'alice', after(1))).toBe(59)
  expect(await takeAt(limit, 'bob', after(1))).toBeNull()
})

test('does not count what it refuses', async () => {
  const limit = createCallerRateLimit(
    createMemoryRateLimiter(() => clockMs),
    'mint',
    1,
  )
  expect(await takeAt(limit, 'alice', after(0))).toBeNull()
  for (let second = 1; second < 60; second += 1)
    expect(await takeAt(limit, 'alice', after(second))).toBe(60 - second)
  expect(await takeAt(limit, 'alice', after(60))).toBeNull()
})

test('goes on counting those who come often while it forgets those who do not', async () => {
  const limit = createCallerRateLimit(
    createMemoryRateLimiter(() => clockMs),
    'mint',
    2,
  )
  for (const caller of ['alice', 'bob']) expect(await takeAt(limit, caller, after(0))).toBeNull()
  expect(await takeAt(limit, 'alice', after(50))).toBeNull()
  // The sweep of this minute forgets bob, and must not forget what alice did ten seconds ago.
  expect(await takeAt(limit, 'carol', after(61))).toBeNull()
  expect(await takeAt(limit, 'alice', after(62))).toBeNull()
  expect(await takeAt(limit, 'alice', after(63))).toBe(47)
  expect(await takeAt(limit, 'bob', after(63))).toBeNull()
})

test('in no minute whatever do more get through, and whoever waits as told gets through', async () => {
  const steps = fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 1, maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5 }), steps, async (perMinute, pauses) => {
      const limit = createCallerRateLimit(
        createMemoryRateLimiter(() => clockMs),
        'mint',
        perMinute,
      )
      const taken: number[] = []
      let now = after(0).getTime()
      for (const pause of pauses) {
        now += pause
        // Whoever is refused comes back when told to.
        const wait = (await takeAt(limit, 'alice', new Date(now))) ?? 0
        now += wait * 1000
        expect(wait === 0 || (await takeAt(limit, 'alice', new Date(now))) === null).toBe(true)
        taken.push(now)
        expect(taken.filter((time) => time > now - 60_000).length).toBeLessThanOrEqual(perMinute)
      }
    }),
  )
})

test('answers as one that looks at every upload of the last minute', async () => {
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
      const limit = createCallerRateLimit(
        createMemoryRateLimiter(() => clockMs),
        'mint',
        perMinute,
      )
      const taken = new Map<string, readonly number[]>()
      let now = after(0).getTime()
      for (const { pauseMs, caller, uploads } of plan) {
        now += pauseMs
        for (let upload = 0; upload < uploads; upload += 1) {
          const recent = (taken.get(caller) ?? []).filter((time) => time > now - 60_000)
          const [oldest] = recent
          const isOver = oldest !== undefined && recent.length >= perMinute
          const wait = isOver ? Math.max(1, Math.ceil((oldest + 60_000 - now) / 1000)) : null
          expect(await takeAt(limit, caller, new Date(now))).toBe(wait)
          taken.set(caller, isOver ? recent : [...recent, now])
        }
      }
    }),
  )
})

test('is as quick with a large limit as with a small one', async () => {
  const limit = createCallerRateLimit(
    createMemoryRateLimiter(() => clockMs),
    'mint',
    1_000_000,
  )
  // Looking at each of the last minute's would take hours.
  for (let upload = 0; upload < 300_000; upload += 1) {
    if ((await takeAt(limit, 'alice', after(upload / 10_000))) !== null) throw new Error('refused')
  }
  expect(await takeAt(limit, 'alice', after(90))).toBeNull()
})

test('holds nobody back for more than a minute where the clock is set back', async () => {
  const limit = createCallerRateLimit(
    createMemoryRateLimiter(() => clockMs),
    'mint',
    1,
  )
  expect(await takeAt(limit, 'alice', after(3600))).toBeNull()
  expect(await takeAt(limit, 'alice', after(0))).toBe(60)
  expect(await takeAt(limit, 'alice', after(60))).toBeNull()
})

test('is one for all gateways that share the allowances, and apart for each thing', async () => {
  const rateLimiter = createMemoryRateLimiter(() => clockMs)
  const [here, there] = [
    createCallerRateLimit(rateLimiter, 'mint', 2),
    createCallerRateLimit(rateLimiter, 'mint', 2),
  ]
  const deletions = createCallerRateLimit(rateLimiter, 'delete', 2)
  expect(await takeAt(here, 'alice', after(0))).toBeNull()
  expect(await takeAt(there, 'alice', after(0))).toBeNull()
  expect([await takeAt(here, 'alice', after(0)), await takeAt(there, 'alice', after(0))]).toEqual([
    60, 60,
  ])
  expect(await takeAt(deletions, 'alice', after(0))).toBeNull()
})

test('lets nobody on where the allowances cannot be reached', async () => {
  const limit = createCallerRateLimit(awayRateLimiter, 'mint', 2)
  await expect(takeAt(limit, 'alice', after(0))).rejects.toBe(away)
})
