/** When a failed callback is sent again, and when a failing target is left alone. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextAttemptAt, parseRetryAfter } from '../../src/callbacks/retry-schedule.ts'
import { createTargetPause } from '../../src/callbacks/target-pause.ts'
import { createTestClock } from '../kit/clock.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const DAY_SECONDS = 86_400

function secondsTo(at: Date | null): number | null {
  return at === null ? null : (at.getTime() - NOW.getTime()) / 1000
}

describe('nextAttemptAt', () => {
  const schedule = [5, 30, 120, 600, 3600, 10_800, 21_600, 43_200, 86_400]

  test.each(schedule.map((seconds, index) => [index + 1, seconds]))(
    'after attempt %i: in %i s, and up to a tenth later',
    (attempts, seconds) => {
      expect(secondsTo(nextAttemptAt(NOW, attempts, null, 0))).toBe(seconds)
      expect(secondsTo(nextAttemptAt(NOW, attempts, null, 1))).toBeCloseTo(seconds * 1.1)
    },
  )

  test('after the last attempt there is none', () => {
    expect(nextAttemptAt(NOW, schedule.length + 1, 5000, 0)).toBeNull()
  })

  test('a target that asks for more time gets it, up to a day', () => {
    expect(secondsTo(nextAttemptAt(NOW, 1, 60_000, 0))).toBe(60)
    expect(secondsTo(nextAttemptAt(NOW, 1, 1e12, 0))).toBe(DAY_SECONDS)
  })

  test('a target that asks for less time does not use up the attempts', () => {
    expect(secondsTo(nextAttemptAt(NOW, 4, 1000, 0))).toBe(600)
  })

  test('is never in the past, nor before the schedule, nor more than a day and its jitter away', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.option(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempts, retryAfterMs, random) => {
          const seconds = secondsTo(nextAttemptAt(NOW, attempts, retryAfterMs, random)) ?? -1
          expect(seconds).toBeGreaterThanOrEqual(schedule[attempts - 1] ?? Infinity)
          expect(seconds).toBeLessThanOrEqual(1.1 * DAY_SECONDS)
        },
      ),
    )
  })
})

test.each<[value: string | null, milliseconds: number | null]>([
  [null, null],
  ['0', 0],
  [' 120 ', 120_000],
  ['Sun, 01 Mar 2026 12:01:00 GMT', 60_000],
  ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
  ['-1', null],
  ['1.5', null],
  ['soon', null],
  ['', null],
])('Retry-After: %j', (value, milliseconds) => {
  expect(parseRetryAfter(value, NOW)).toBe(milliseconds)
})

describe('a target that is unavailable', () => {
  test('gets one callback at a time after five failures, at growing intervals', () => {
    const clock = createTestClock(() => 0)
    const pause = createTargetPause(clock)
    for (let failures = 1; failures < 5; failures += 1) pause.failed(null)
    expect(pause.slots(4, 16)).toBe(12)
    // The other attempts of that time fail too, and do not lengthen the pause.
    for (let failures = 0; failures < 10; failures += 1) pause.failed(null)
    const pauses: number[] = []
    for (let probe = 0; probe < 9; probe += 1) {
      expect(pause.slots(0, 16)).toBe(0)
      pauses.push(pause.remainingMs())
      clock.advance(pause.remainingMs() / 1000)
      expect([pause.slots(0, 16), pause.slots(1, 16)]).toEqual([1, 0])
      pause.failed(null)
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
    clock.advance(60)
    pause.responded()
    expect(pause.slots(0, 16)).toBe(16)
  })

  test('that says when to come back is left alone until then, for a minute at most', () => {
    const clock = createTestClock(() => 0)
    const pause = createTargetPause(clock)
    pause.failed(30_000)
    expect([pause.slots(0, 16), pause.remainingMs()]).toEqual([0, 30_000])
    pause.failed(3_600_000)
    expect(pause.remainingMs()).toBe(60_000)
    clock.advance(60)
    expect(pause.slots(0, 16)).toBe(16)
  })
})
