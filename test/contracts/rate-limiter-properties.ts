/** RateLimiter contract: properties for arbitrary sequences. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RateWindow } from '../../src/uploads/ports/rate-limiter.ts'
import { CREATED_AT } from '../kit/samples.ts'
import {
  MINUTE_MS,
  type Suite,
  backgroundWindows,
  foregroundWindows,
} from './rate-limiter-suite.ts'

/** A property calls the adapter some thousand times, and the adapter may use a database. */
const RUNS = { numRuns: 40 }
const PROPERTY_MS = 60_000

/** The possible waits in a window of a minute, in whole seconds; 0 for a consumed unit. */
const possibleWaits = Array.from({ length: 61 }, (_, seconds) => seconds)

/** A key that no other run has used, because consumed units would count there. */
function newKey(): string {
  return `key ${crypto.randomUUID()}`
}

export function describeProperties({ rateLimiter }: Suite): void {
  function consume(key: string, limit: number, now: number): Promise<number | null> {
    return rateLimiter().consume(key, [{ limit, windowMs: MINUTE_MS }], new Date(now))
  }

  describe('arbitrary sequences', () => {
    test(
      'never exceed the limit in any span, and succeed after the returned wait',
      async () => {
        const pauses = fc.array(fc.integer({ min: 0, max: 40_000 }), {
          minLength: 1,
          maxLength: 30,
        })
        await fc.assert(
          fc.asyncProperty(fc.integer({ min: 1, max: 5 }), pauses, async (limit, plan) => {
            const key = newKey()
            const granted: number[] = []
            let now = CREATED_AT.getTime()
            for (const pause of plan) {
              now += pause
              // A rejected caller retries after the returned wait.
              const wait = (await consume(key, limit, now)) ?? 0
              expect(possibleWaits).toContain(wait)
              now += wait * 1000
              expect(wait === 0 || (await consume(key, limit, now)) === null).toBe(true)
              granted.push(now)
              const inSpan = granted.filter((time) => time > now - MINUTE_MS).length
              expect(inSpan).toBeLessThanOrEqual(limit)
              expect(await rateLimiter().countConsumed(key, MINUTE_MS, new Date(now))).toBe(inSpan)
            }
          }),
          RUNS,
        )
      },
      PROPERTY_MS,
    )

    test(
      'match a model that inspects every consumed unit',
      async () => {
        const pauseMs = fc.oneof(
          fc.integer({ min: 0, max: 200_000 }),
          // Often exactly the time at which a unit or a block ends.
          fc.constantFrom(0, 1, 59_999, 60_000, 240_000, 300_000),
        )
        const step = fc.oneof(
          {
            weight: 6,
            arbitrary: fc.record({
              pauseMs,
              windows: fc.constantFrom(
                foregroundWindows,
                backgroundWindows,
                backgroundWindows.toReversed(),
              ),
              times: fc.integer({ min: 1, max: 5 }),
            }),
          },
          {
            weight: 1,
            arbitrary: fc.record({ pauseMs, blockedMs: fc.integer({ min: 0, max: 100_000 }) }),
          },
        )
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (plan) => {
            const key = newKey()
            const model = createModel()
            let now = CREATED_AT.getTime()
            for (const action of plan) {
              now += action.pauseMs
              if ('blockedMs' in action) {
                await rateLimiter().block(key, new Date(now + action.blockedMs), new Date(now))
                model.block(now + action.blockedMs)
                continue
              }
              for (let time = 0; time < action.times; time += 1) {
                const wait = await rateLimiter().consume(key, action.windows, new Date(now))
                expect(wait).toBe(model.consume(action.windows, now))
              }
              for (const spanMs of [MINUTE_MS, 5 * MINUTE_MS]) {
                const counted = await rateLimiter().countConsumed(key, spanMs, new Date(now))
                expect(counted).toBe(model.countConsumed(spanMs, now))
              }
            }
          }),
          RUNS,
        )
      },
      PROPERTY_MS,
    )
  })
}

/** The contract in its simplest form, for a clock that only advances. */
function createModel() {
  const granted: number[] = []
  let blockedUntil = 0

  function since(spanMs: number, now: number): readonly number[] {
    return granted.filter((time) => time > now - spanMs)
  }

  return {
    consume(windows: readonly RateWindow[], now: number): number | null {
      const availableAt = windows.map(({ limit, windowMs }) => {
        const recent = since(windowMs, now)
        const oldestCounted = recent[recent.length - limit]
        return oldestCounted === undefined ? now : oldestCounted + windowMs
      })
      const freeAt = Math.max(blockedUntil, ...availableAt)
      if (freeAt > now) return Math.ceil((freeAt - now) / 1000)
      granted.push(now)
      return null
    },
    block(until: number): void {
      blockedUntil = Math.max(blockedUntil, until)
    },
    countConsumed: (spanMs: number, now: number) => since(spanMs, now).length,
  }
}
