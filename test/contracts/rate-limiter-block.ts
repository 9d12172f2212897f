/** Contract of Allowances: what holds a key, and how much was taken under it. */
import { describe, expect, test } from 'vitest'
import { after } from '../kit/samples.ts'
import { MINUTE_MS, type Suite, oneAMinute, threeAMinute, urgent } from './rate-limiter-suite.ts'

export function describeHolds({ allowances: rateLimiter, takeAll }: Suite): void {
  describe('hold', () => {
    test('refuses what there is room for, until it is over', async () => {
      await rateLimiter().hold('stream', after(30))
      expect(await takeAll('stream', threeAMinute, 0, 2)).toEqual([30, 30])
      expect(await takeAll('stream', threeAMinute, 29.999, 1)).toEqual([1])
      expect(await takeAll('stream', threeAMinute, 30, 4)).toEqual([null, null, null, 60])
    })

    test('refuses what is taken within no allowance as well', async () => {
      await rateLimiter().hold('stream', after(30))
      expect(await takeAll('stream', [], 10.5, 1)).toEqual([20])
      expect(await takeAll('stream', [], 30, 1)).toEqual([null])
    })

    test('is not shortened by another one, and is prolonged by a later one', async () => {
      await rateLimiter().hold('stream', after(30))
      await rateLimiter().hold('stream', after(10))
      expect(await takeAll('stream', threeAMinute, 20, 1)).toEqual([10])
      await rateLimiter().hold('stream', after(60))
      expect(await takeAll('stream', threeAMinute, 20, 1)).toEqual([40])
    })

    test('ends with the latest, however many come at once', async () => {
      const seconds = Array.from({ length: 20 }, (_, n) => ((n * 7) % 20) + 1)
      await Promise.all(seconds.map(async (second) => rateLimiter().hold('stream', after(second))))
      expect(await takeAll('stream', threeAMinute, 0, 1)).toEqual([20])
    })

    test('holds its own key alone', async () => {
      await rateLimiter().hold('__proto__', after(30))
      expect(await takeAll('', oneAMinute, 0, 1)).toEqual([null])
      expect(await takeAll('toString', oneAMinute, 0, 1)).toEqual([null])
      expect(await takeAll('__proto__', oneAMinute, 0, 1)).toEqual([30])
    })

    test('that is over already holds nothing', async () => {
      await rateLimiter().hold('stream', after(0))
      expect(await takeAll('stream', threeAMinute, 0, 1)).toEqual([null])
    })

    test('neither counts as taken nor forgets what was', async () => {
      expect(await takeAll('stream', threeAMinute, 0, 2)).toEqual([null, null])
      await rateLimiter().hold('stream', after(30))
      expect(await takeAll('stream', threeAMinute, 10, 3)).toEqual([20, 20, 20])
      expect(await rateLimiter().taken('stream', MINUTE_MS, after(10))).toBe(2)
      expect(await takeAll('stream', threeAMinute, 30, 2)).toEqual([null, 30])
    })

    test('and an allowance without room: the longer wait is said', async () => {
      expect(await takeAll('stream', oneAMinute, 0, 1)).toEqual([null])
      await rateLimiter().hold('stream', after(30))
      expect(await takeAll('stream', oneAMinute, 0, 1)).toEqual([60])
      await rateLimiter().hold('stream', after(90))
      expect(await takeAll('stream', oneAMinute, 0, 1)).toEqual([90])
    })

    test('is over where the clock was ahead when it began, and is right again', async () => {
      await rateLimiter().hold('stream', after(7205), after(7200))
      expect(await takeAll('stream', [], 7201, 1)).toEqual([4])
      expect(await takeAll('stream', threeAMinute, 0, 1)).toEqual([null])
      // And keeps no other from beginning.
      await rateLimiter().hold('stream', after(5), after(0))
      expect(await takeAll('stream', threeAMinute, 1, 1)).toEqual([4])
      expect(await takeAll('stream', threeAMinute, 5, 1)).toEqual([null])
    })

    test('ends after ten minutes at the latest, where the clock is set back and whatever is asked', async () => {
      await rateLimiter().hold('stream', after(3600), after(0))
      expect(await takeAll('stream', threeAMinute, 0, 1)).toEqual([600])
      await rateLimiter().hold('alice', after(5), after(0))
      expect(await takeAll('alice', threeAMinute, -300, 1)).toEqual([305])
      expect(await takeAll('alice', threeAMinute, -7200, 1)).toEqual([null])
    })

    test('lasts for longer than what is taken is remembered', async () => {
      expect(await takeAll('stream', oneAMinute, 0, 1)).toEqual([null])
      await rateLimiter().hold('stream', after(600))
      expect(await takeAll('alice', oneAMinute, 300, 1)).toEqual([null])
      expect(await takeAll('stream', oneAMinute, 300, 1)).toEqual([300])
    })
  })

  /** Of the last minute, and of the last five. */
  async function counts(second: number): Promise<readonly number[]> {
    return Promise.all(
      [MINUTE_MS, 5 * MINUTE_MS].map(async (spanMs) =>
        rateLimiter().taken('stream', spanMs, after(second)),
      ),
    )
  }

  describe('key-in-use', () => {
    test('is none where nothing was', async () => {
      expect(await rateLimiter().taken('stream', MINUTE_MS, after(0))).toBe(0)
      await rateLimiter().hold('stream', after(30))
      expect(await rateLimiter().taken('stream', MINUTE_MS, after(0))).toBe(0)
    })

    test('counts those of the span alone, and takes nothing itself', async () => {
      for (const second of [0, 30, 90]) await takeAll('stream', urgent, second, 1)
      expect(await counts(90)).toEqual([1, 3])
      expect(await counts(149.999)).toEqual([1, 3])
      expect(await counts(150)).toEqual([0, 3])
      expect(await counts(299.999)).toEqual([0, 3])
      expect(await counts(300)).toEqual([0, 2])
      expect(await counts(390)).toEqual([0, 0])
    })

    test('counts what lies in the future of a clock that was set back', async () => {
      await takeAll('stream', urgent, 3600, 2)
      expect(await rateLimiter().taken('stream', 5 * MINUTE_MS, after(0))).toBe(2)
    })
  })
}
