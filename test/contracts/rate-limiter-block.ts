/** RateLimiter contract: blocked keys, and counting consumed units. */
import { describe, expect, test } from 'vitest'
import { after } from '../kit/samples.ts'
import {
  MINUTE_MS,
  type Suite,
  oneAMinute,
  threeAMinute,
  foregroundWindows,
} from './rate-limiter-suite.ts'

export function describeBlock({ rateLimiter, consumeAll }: Suite): void {
  describe('block', () => {
    test('rejects units within the limit until it ends', async () => {
      await rateLimiter().block('stream', after(30))
      expect(await consumeAll('stream', threeAMinute, 0, 2)).toEqual([30, 30])
      expect(await consumeAll('stream', threeAMinute, 29.999, 1)).toEqual([1])
      expect(await consumeAll('stream', threeAMinute, 30, 4)).toEqual([null, null, null, 60])
    })

    test('rejects units consumed without a rate window as well', async () => {
      await rateLimiter().block('stream', after(30))
      expect(await consumeAll('stream', [], 10.5, 1)).toEqual([20])
      expect(await consumeAll('stream', [], 30, 1)).toEqual([null])
    })

    test('is extended by a later block and not shortened by an earlier one', async () => {
      await rateLimiter().block('stream', after(30))
      await rateLimiter().block('stream', after(10))
      expect(await consumeAll('stream', threeAMinute, 20, 1)).toEqual([10])
      await rateLimiter().block('stream', after(60))
      expect(await consumeAll('stream', threeAMinute, 20, 1)).toEqual([40])
    })

    test('ends with the latest of many concurrent blocks', async () => {
      const seconds = Array.from({ length: 20 }, (_, n) => ((n * 7) % 20) + 1)
      await Promise.all(seconds.map(async (second) => rateLimiter().block('stream', after(second))))
      expect(await consumeAll('stream', threeAMinute, 0, 1)).toEqual([20])
    })

    test('blocks its own key only', async () => {
      await rateLimiter().block('__proto__', after(30))
      expect(await consumeAll('', oneAMinute, 0, 1)).toEqual([null])
      expect(await consumeAll('toString', oneAMinute, 0, 1)).toEqual([null])
      expect(await consumeAll('__proto__', oneAMinute, 0, 1)).toEqual([30])
    })

    test('in the past blocks nothing', async () => {
      await rateLimiter().block('stream', after(0))
      expect(await consumeAll('stream', threeAMinute, 0, 1)).toEqual([null])
    })

    test('does not count as a unit and keeps consumed units', async () => {
      expect(await consumeAll('stream', threeAMinute, 0, 2)).toEqual([null, null])
      await rateLimiter().block('stream', after(30))
      expect(await consumeAll('stream', threeAMinute, 10, 3)).toEqual([20, 20, 20])
      expect(await rateLimiter().countConsumed('stream', MINUTE_MS, after(10))).toBe(2)
      expect(await consumeAll('stream', threeAMinute, 30, 2)).toEqual([null, 30])
    })

    test('combines with a full window to the longer wait', async () => {
      expect(await consumeAll('stream', oneAMinute, 0, 1)).toEqual([null])
      await rateLimiter().block('stream', after(30))
      expect(await consumeAll('stream', oneAMinute, 0, 1)).toEqual([60])
      await rateLimiter().block('stream', after(90))
      expect(await consumeAll('stream', oneAMinute, 0, 1)).toEqual([90])
    })

    test('ends when its clock was ahead and is correct again', async () => {
      await rateLimiter().block('stream', after(7205), after(7200))
      expect(await consumeAll('stream', [], 7201, 1)).toEqual([4])
      expect(await consumeAll('stream', threeAMinute, 0, 1)).toEqual([null])
      // It does not prevent a new block.
      await rateLimiter().block('stream', after(5), after(0))
      expect(await consumeAll('stream', threeAMinute, 1, 1)).toEqual([4])
      expect(await consumeAll('stream', threeAMinute, 5, 1)).toEqual([null])
    })

    test('lasts at most ten minutes from its start, also when the clock is set back', async () => {
      await rateLimiter().block('stream', after(3600), after(0))
      expect(await consumeAll('stream', threeAMinute, 0, 1)).toEqual([600])
      await rateLimiter().block('alice', after(5), after(0))
      expect(await consumeAll('alice', threeAMinute, -300, 1)).toEqual([305])
      expect(await consumeAll('alice', threeAMinute, -7200, 1)).toEqual([null])
    })

    test('lasts longer than consumed units are stored', async () => {
      expect(await consumeAll('stream', oneAMinute, 0, 1)).toEqual([null])
      await rateLimiter().block('stream', after(600))
      expect(await consumeAll('alice', oneAMinute, 300, 1)).toEqual([null])
      expect(await consumeAll('stream', oneAMinute, 300, 1)).toEqual([300])
    })
  })

  /** The counts of the last minute and of the last five minutes. */
  async function counts(second: number): Promise<readonly number[]> {
    return Promise.all(
      [MINUTE_MS, 5 * MINUTE_MS].map(async (spanMs) =>
        rateLimiter().countConsumed('stream', spanMs, after(second)),
      ),
    )
  }

  describe('countConsumed', () => {
    test('is 0 for an unused or blocked key', async () => {
      expect(await rateLimiter().countConsumed('stream', MINUTE_MS, after(0))).toBe(0)
      await rateLimiter().block('stream', after(30))
      expect(await rateLimiter().countConsumed('stream', MINUTE_MS, after(0))).toBe(0)
    })

    test('counts the units of the span only and consumes none', async () => {
      for (const second of [0, 30, 90]) await consumeAll('stream', foregroundWindows, second, 1)
      expect(await counts(90)).toEqual([1, 3])
      expect(await counts(149.999)).toEqual([1, 3])
      expect(await counts(150)).toEqual([0, 3])
      expect(await counts(299.999)).toEqual([0, 3])
      expect(await counts(300)).toEqual([0, 2])
      expect(await counts(390)).toEqual([0, 0])
    })

    test('counts units in the future of a clock that was set back', async () => {
      await consumeAll('stream', foregroundWindows, 3600, 2)
      expect(await rateLimiter().countConsumed('stream', 5 * MINUTE_MS, after(0))).toBe(2)
    })
  })
}
