/** Contract of Allowances: what is taken, within one allowance or several. */
import { describe, expect, test } from 'vitest'
import { after } from '../kit/samples.ts'
import {
  MINUTE_MS,
  type Suite,
  oneAMinute,
  patient,
  threeAMinute,
  urgent,
} from './rate-limiter-suite.ts'

/** Some of them the same but for a letter, a blank, or how an accent is written. */
const keys = [
  'alice Alice mint:alice delete:alice mint mint: : :: % _ * ? \\ \' " -- {} null 0'.split(' '),
  'e\u0301te\u0301 \u00e9t\u00e9 🎬 🎬🎬 __proto__ constructor toString'.split(' '),
  ['', ' ', '\n', '\t', ' alice', 'alice ', 'a'.repeat(1000), `${'a'.repeat(999)}b`],
].flat()

export function describeTakes({ allowances: rateLimiter, takeAll }: Suite): void {
  describe('take', () => {
    test.each<[what: string, takes: readonly (readonly [second: number, wait: number | null])[]]>([
      [
        'lets the first ones through at once',
        [
          [0, null],
          [0, null],
          [0, null],
          [0, 60],
        ],
      ],
      [
        'says in how many whole seconds the next one may come',
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
        'rounds up what is no whole second',
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
        'is over with what is exactly as old as the span, and not a millisecond sooner',
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
        'does not count what it refuses',
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
        'has all its room again after a long time',
        [
          [0, null],
          [1, null],
          [2, null],
          [1e7, null],
          [1e7, null],
        ],
      ],
      [
        'counts what lies in the future of a clock that was set back as done now',
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
        'counts only that as done now, and the rest when it was done',
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
    ])('%s', async (_what, takes) => {
      const waits: (readonly [number, number | null])[] = []
      for (const [second] of takes) {
        waits.push([second, await rateLimiter().take('alice', threeAMinute, after(second))])
      }
      expect(waits).toEqual(takes)
    })

    test('counts each key alone, whatever it looks like', async () => {
      const took = () =>
        Promise.all(keys.map(async (key) => rateLimiter().take(key, oneAMinute, after(1))))
      const counted = () =>
        Promise.all(keys.map(async (key) => rateLimiter().taken(key, MINUTE_MS, after(1))))
      expect(await counted()).toEqual(keys.map(() => 0))
      expect(await took()).toEqual(keys.map(() => null))
      expect(await took()).toEqual(keys.map(() => 60))
      expect(await counted()).toEqual(keys.map(() => 1))
    })

    test('grants exactly what there is, however many come at once', async () => {
      const within = [{ limit: 10, windowMs: MINUTE_MS }]
      const waits = await Promise.all(
        Array.from({ length: 50 }, async () => rateLimiter().take('alice', within, after(0))),
      )
      expect(waits.filter((wait) => wait === null)).toHaveLength(10)
      expect(waits.filter((wait) => wait === 60)).toHaveLength(40)
      expect(await rateLimiter().taken('alice', MINUTE_MS, after(0))).toBe(10)
    })

    test('lets everybody on who comes at once, each under a key of theirs', async () => {
      const waits = await Promise.all(
        Array.from({ length: 50 }, async (_, n) =>
          rateLimiter().take(`caller ${n}`, oneAMinute, after(0)),
        ),
      )
      expect(waits).toEqual(waits.map(() => null))
    })

    test('gives back that unit, and leaves the others at their times', async () => {
      const take = (second: number) => rateLimiter().take('alice', threeAMinute, after(second))
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
      expect(await rateLimiter().taken('alice', MINUTE_MS, after(40))).toBe(2)
      expect([await take(40), await take(40)]).toEqual([null, 20])
      expect([await take(60), await take(60)]).toEqual([null, 35])
    })

    test('gives back a unit although the clock was set back since', async () => {
      const take = (second: number) => rateLimiter().take('alice', oneAMinute, after(second))
      await rateLimiter().consumeAndGiveBack('alice', oneAMinute, after(3600), async () => {
        expect(await take(0)).toBe(60)
        return after(1)
      })
      expect([await take(1), await take(1)]).toEqual([null, 60])
    })

    test('gives back nothing where nothing is left of the window', async () => {
      const take = (second: number) => rateLimiter().take('alice', oneAMinute, after(second))
      await rateLimiter().consumeAndGiveBack('alice', oneAMinute, after(0), async () => {
        expect(await take(61)).toBeNull()
        return after(62)
      })
      expect(await take(62)).toBe(59)
    })

    test('refuses nobody within no allowance', async () => {
      expect(await takeAll('alice', [], 0, 20)).toEqual(Array.from({ length: 20 }, () => null))
    })
  })

  describe('several allowances under one key', () => {
    test('must each have room, and count together', async () => {
      expect(await takeAll('stream', patient, 0, 4)).toEqual([null, null, null, 60])
      expect(await takeAll('stream', urgent, 0, 2)).toEqual([null, null])
      expect(await rateLimiter().taken('stream', 5 * MINUTE_MS, after(0))).toBe(5)
      // Of the last minute there are none now, of the last five minutes five.
      expect(await takeAll('stream', patient, 60, 4)).toEqual([null, null, null, 240])
      expect(await takeAll('stream', urgent, 60, 3)).toEqual([null, null, 240])
    })

    test('say when enough has left for all of them, not the first only', async () => {
      for (const second of [0, 10, 20, 30, 40]) {
        expect(await takeAll('stream', urgent, second, 1)).toEqual([null])
      }
      // Three of the last minute are too many still when those of 0 and 10 have left.
      expect(await takeAll('stream', patient, 50, 1)).toEqual([30])
      expect(await takeAll('stream', patient, 79, 1)).toEqual([1])
      expect(await takeAll('stream', patient, 80, 1)).toEqual([null])
    })

    test('say the longest of their waits, in whatever order they stand', async () => {
      expect(await takeAll('stream', urgent, 0, 8)).toEqual(Array.from({ length: 8 }, () => null))
      expect(await takeAll('stream', patient, 0, 1)).toEqual([300])
      expect(await takeAll('stream', patient.toReversed(), 0, 1)).toEqual([300])
    })

    test('count nothing where one of them refuses', async () => {
      expect(await takeAll('stream', patient, 0, 10)).toContain(60)
      expect(await rateLimiter().taken('stream', 5 * MINUTE_MS, after(0))).toBe(3)
      expect(await rateLimiter().taken('stream', MINUTE_MS, after(0))).toBe(3)
    })
  })
}
