/** RateLimiter contract: consuming units within one rate window or several. */
import { describe, expect, test } from 'vitest'
import { after } from '../kit/samples.ts'
import {
  MINUTE_MS,
  type Suite,
  oneAMinute,
  backgroundWindows,
  threeAMinute,
  foregroundWindows,
} from './rate-limiter-suite.ts'

/** Some differ only in case, white space, or the Unicode form of an accent. */
const keys = [
  'alice Alice mint:alice delete:alice mint mint: : :: % _ * ? \\ \' " -- {} null 0'.split(' '),
  'e\u0301te\u0301 \u00e9t\u00e9 🎬 🎬🎬 __proto__ constructor toString'.split(' '),
  ['', ' ', '\n', '\t', ' alice', 'alice ', 'a'.repeat(1000), `${'a'.repeat(999)}b`],
].flat()

export function describeConsume({ rateLimiter, consumeAll }: Suite): void {
  describe('consume', () => {
    test.each<[what: string, steps: readonly (readonly [second: number, wait: number | null])[]]>([
      [
        'consumes the first units immediately',
        [
          [0, null],
          [0, null],
          [0, null],
          [0, 60],
        ],
      ],
      [
        'returns the whole seconds until the next unit',
        [
          [0, null],
          [10, null],
          [20, null],
          [20, 40],
          [59.001, 1],
          [59.999, 1],
          [60, null],
          [60, 10],
        ],
      ],
      [
        'rounds fractions of a second up',
        [
          [0.5, null],
          [0.5, null],
          [0.5, null],
          [1, 60],
          [1.499, 60],
          [1.5, 59],
          [1.501, 59],
        ],
      ],
      [
        'releases a unit exactly when it is as old as the window',
        [
          [0, null],
          [0, null],
          [0, null],
          [59.999, 1],
          [60, null],
          [60, null],
          [60, null],
          [60, 60],
        ],
      ],
      [
        'does not count rejected requests',
        [
          [0, null],
          [0, null],
          [0, null],
          [1, 59],
          [30, 30],
          [59, 1],
          [60, null],
          [60, null],
        ],
      ],
      [
        'has its full limit again after a long time',
        [
          [0, null],
          [1, null],
          [2, null],
          [1e7, null],
          [1e7, null],
        ],
      ],
      [
        'counts units in the future of a clock that was set back as consumed now',
        [
          [3600, null],
          [3600, null],
          [3600, null],
          [0, 60],
          [30, 30],
          [60, null],
          [60, null],
        ],
      ],
      [
        'counts only those as consumed now, and others at their own times',
        [
          [0, null],
          [10, null],
          [50, null],
          [20, 40],
          [60, null],
          [60, 10],
          [70, null],
          [79.5, 1],
          [80, null],
        ],
      ],
    ])('%s', async (_what, steps) => {
      const waits: (readonly [number, number | null])[] = []
      for (const [second] of steps) {
        waits.push([second, await rateLimiter().consume('alice', threeAMinute, after(second))])
      }
      expect(waits).toEqual(steps)
    })

    test('counts keys with similar or special characters separately', async () => {
      const consumeEach = () =>
        Promise.all(keys.map(async (key) => rateLimiter().consume(key, oneAMinute, after(1))))
      const countEach = () =>
        Promise.all(keys.map(async (key) => rateLimiter().countConsumed(key, MINUTE_MS, after(1))))
      expect(await countEach()).toEqual(keys.map(() => 0))
      expect(await consumeEach()).toEqual(keys.map(() => null))
      expect(await consumeEach()).toEqual(keys.map(() => 60))
      expect(await countEach()).toEqual(keys.map(() => 1))
    })

    test('consumes exactly up to the limit under concurrency', async () => {
      const windows = [{ limit: 10, windowMs: MINUTE_MS }]
      const waits = await Promise.all(
        Array.from({ length: 50 }, async () => rateLimiter().consume('alice', windows, after(0))),
      )
      expect(waits.filter((wait) => wait === null)).toHaveLength(10)
      expect(waits.filter((wait) => wait === 60)).toHaveLength(40)
      expect(await rateLimiter().countConsumed('alice', MINUTE_MS, after(0))).toBe(10)
    })

    test('consumes concurrently under separate keys', async () => {
      const waits = await Promise.all(
        Array.from({ length: 50 }, async (_, n) =>
          rateLimiter().consume(`caller ${n}`, oneAMinute, after(0)),
        ),
      )
      expect(waits).toEqual(waits.map(() => null))
    })

    test('gives back its own unit and keeps the times of the others', async () => {
      const take = (second: number) => rateLimiter().consume('alice', threeAMinute, after(second))
      expect(await take(0)).toBeNull()
      const gaveBack = await rateLimiter().consumeAndGiveBack(
        'alice',
        threeAMinute,
        after(30),
        async () => {
          expect(await take(35)).toBeNull()
          expect(await take(36)).toBe(24)
          return after(40)
        },
      )
      expect(gaveBack).toBeNull()
      expect(await rateLimiter().countConsumed('alice', MINUTE_MS, after(40))).toBe(2)
      expect([await take(40), await take(40)]).toEqual([null, 20])
      expect([await take(60), await take(60)]).toEqual([null, 35])
    })

    test('gives back a unit after the clock was set back', async () => {
      const take = (second: number) => rateLimiter().consume('alice', oneAMinute, after(second))
      await rateLimiter().consumeAndGiveBack('alice', oneAMinute, after(3600), async () => {
        expect(await take(0)).toBe(60)
        return after(1)
      })
      expect([await take(1), await take(1)]).toEqual([null, 60])
    })

    test('gives back nothing when the unit has left the window', async () => {
      const take = (second: number) => rateLimiter().consume('alice', oneAMinute, after(second))
      await rateLimiter().consumeAndGiveBack('alice', oneAMinute, after(0), async () => {
        expect(await take(61)).toBeNull()
        return after(62)
      })
      expect(await take(62)).toBe(59)
    })

    test('rejects nothing without a rate window', async () => {
      expect(await consumeAll('alice', [], 0, 20)).toEqual(Array.from({ length: 20 }, () => null))
    })
  })

  describe('several rate windows under one key', () => {
    test('must all have capacity, and count together', async () => {
      expect(await consumeAll('stream', backgroundWindows, 0, 4)).toEqual([null, null, null, 60])
      expect(await consumeAll('stream', foregroundWindows, 0, 2)).toEqual([null, null])
      expect(await rateLimiter().countConsumed('stream', 5 * MINUTE_MS, after(0))).toBe(5)
      // The last minute has no units now, the last five minutes have five.
      expect(await consumeAll('stream', backgroundWindows, 60, 4)).toEqual([null, null, null, 240])
      expect(await consumeAll('stream', foregroundWindows, 60, 3)).toEqual([null, null, 240])
    })

    test('wait until all windows have capacity, not only the first', async () => {
      for (const second of [0, 10, 20, 30, 40]) {
        expect(await consumeAll('stream', foregroundWindows, second, 1)).toEqual([null])
      }
      // The last minute still has three units after those at 0 and 10 have left.
      expect(await consumeAll('stream', backgroundWindows, 50, 1)).toEqual([30])
      expect(await consumeAll('stream', backgroundWindows, 79, 1)).toEqual([1])
      expect(await consumeAll('stream', backgroundWindows, 80, 1)).toEqual([null])
    })

    test('return the longest of their waits in any order', async () => {
      expect(await consumeAll('stream', foregroundWindows, 0, 8)).toEqual(
        Array.from({ length: 8 }, () => null),
      )
      expect(await consumeAll('stream', backgroundWindows, 0, 1)).toEqual([300])
      expect(await consumeAll('stream', backgroundWindows.toReversed(), 0, 1)).toEqual([300])
    })

    test('consume nothing when one window rejects', async () => {
      expect(await consumeAll('stream', backgroundWindows, 0, 10)).toContain(60)
      expect(await rateLimiter().countConsumed('stream', 5 * MINUTE_MS, after(0))).toBe(3)
      expect(await rateLimiter().countConsumed('stream', MINUTE_MS, after(0))).toBe(3)
    })
  })
}
