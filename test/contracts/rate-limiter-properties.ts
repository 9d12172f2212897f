/** Contract of Allowances: what holds for whatever comes. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RateWindow } from '../../src/uploads/ports/rate-limiter.ts'
import { CREATED_AT } from '../kit/samples.ts'
import { MINUTE_MS, type Suite, patient, urgent } from './rate-limiter-suite.ts'

/** Properties ask a keeper some thousand times, and it may be a database. */
const RUNS = { numRuns: 40 }
const PROPERTY_MS = 60_000

/** Whole seconds of a minute; none for whoever is let through. */
const possibleWaits = Array.from({ length: 61 }, (_, seconds) => seconds)

/** A key that no other run has used: what one of them took must not count for the next. */
function newKey(): string {
  return `key ${crypto.randomUUID()}`
}

export function describeLaw({ allowances: rateLimiter }: Suite): void {
  function take(key: string, limit: number, now: number): Promise<number | null> {
    return rateLimiter().take(key, [{ limit, windowMs: MINUTE_MS }], new Date(now))
  }

  describe('whatever comes', () => {
    test(
      'in no span do more get through, and whoever waits as told gets through',
      async () => {
        const pauses = fc.array(fc.integer({ min: 0, max: 40_000 }), {
          minLength: 1,
          maxLength: 30,
        })
        await fc.assert(
          fc.asyncProperty(fc.integer({ min: 1, max: 5 }), pauses, async (most, plan) => {
            const key = newKey()
            const granted: number[] = []
            let now = CREATED_AT.getTime()
            for (const pause of plan) {
              now += pause
              // Whoever is refused comes back when told to.
              const wait = (await take(key, most, now)) ?? 0
              expect(possibleWaits).toContain(wait)
              now += wait * 1000
              expect(wait === 0 || (await take(key, most, now)) === null).toBe(true)
              granted.push(now)
              const inSpan = granted.filter((time) => time > now - MINUTE_MS).length
              expect(inSpan).toBeLessThanOrEqual(most)
              expect(await rateLimiter().taken(key, MINUTE_MS, new Date(now))).toBe(inSpan)
            }
          }),
          RUNS,
        )
      },
      PROPERTY_MS,
    )

    test(
      'it answers as one that looks at everything that was ever taken',
      async () => {
        const pauseMs = fc.oneof(
          fc.integer({ min: 0, max: 200_000 }),
          // Often to the very millisecond at which something is over.
          fc.constantFrom(0, 1, 59_999, 60_000, 240_000, 300_000),
        )
        const step = fc.oneof(
          {
            weight: 6,
            arbitrary: fc.record({
              pauseMs,
              within: fc.constantFrom(urgent, patient, patient.toReversed()),
              times: fc.integer({ min: 1, max: 5 }),
            }),
          },
          {
            weight: 1,
            arbitrary: fc.record({ pauseMs, heldMs: fc.integer({ min: 0, max: 100_000 }) }),
          },
        )
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (plan) => {
            const key = newKey()
            const simple = createSimpleKey()
            let now = CREATED_AT.getTime()
            for (const one of plan) {
              now += one.pauseMs
              if ('heldMs' in one) {
                await rateLimiter().hold(key, new Date(now + one.heldMs), new Date(now))
                simple.hold(now + one.heldMs)
                continue
              }
              for (let time = 0; time < one.times; time += 1) {
                const wait = await rateLimiter().take(key, one.within, new Date(now))
                expect(wait).toBe(simple.take(one.within, now))
              }
              for (const spanMs of [MINUTE_MS, 5 * MINUTE_MS]) {
                const taken = await rateLimiter().taken(key, spanMs, new Date(now))
                expect(taken).toBe(simple.taken(spanMs, now))
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

/** The promises in the plainest words, for a clock that only goes ahead. */
function createSimpleKey() {
  const granted: number[] = []
  let heldUntil = 0

  function since(spanMs: number, now: number): readonly number[] {
    return granted.filter((time) => time > now - spanMs)
  }

  return {
    take(within: readonly RateWindow[], now: number): number | null {
      const rooms = within.map(({ limit, windowMs }) => {
        const recent = since(windowMs, now)
        const leaver = recent[recent.length - limit]
        return leaver === undefined ? now : leaver + windowMs
      })
      const freeAt = Math.max(heldUntil, ...rooms)
      if (freeAt > now) return Math.ceil((freeAt - now) / 1000)
      granted.push(now)
      return null
    },
    hold(until: number): void {
      heldUntil = Math.max(heldUntil, until)
    },
    taken: (spanMs: number, now: number) => since(spanMs, now).length,
  }
}
