/** Allowances within one process: gone with it, and at the same small cost for any number. */
import { type Allowance, type Allowances, LONGEST_HOLD_MS } from '../uploads/ports/rate-limiter.ts'
import { type RecentTimes, createRecentTimes } from './sliding-window-log.ts'

/** So often one looks for keys that nothing is to be remembered of. */
const SWEEP_MS = 60_000

/**
 * Holds some twice as many times for a key as its largest allowance, and forgets keys whose longest
 * span is over. Never rejects.
 * @param now milliseconds of one clock, better of one that is never set back
 */
export function createMemoryAllowances(now: () => number): Allowances {
  const recent = new Map<string, RecentTimes>()
  /** Until when keys are held, in milliseconds of the clock. */
  const holds = new Map<string, number>()
  let sweptAt = 0

  function forgetIdle(at: number): void {
    if (Math.abs(at - sweptAt) < SWEEP_MS) return
    sweptAt = at
    for (const [key, times] of recent) if (times.countAt(at) === 0) recent.delete(key)
    for (const key of holds.keys()) if (heldUntil(key, at) <= at) holds.delete(key)
  }

  /** Not after `at` where nothing holds the key. */
  function heldUntil(key: string, at: number): number {
    const until = holds.get(key) ?? at
    return until > at + LONGEST_HOLD_MS ? at : until
  }

  function timesOf(key: string, within: readonly Allowance[]): RecentTimes {
    const known = recent.get(key)
    if (known !== undefined) return known
    const times = createRecentTimes(Math.max(...within.map(({ spanMs }) => spanMs)))
    recent.set(key, times)
    return times
  }

  return {
    async take(key, within) {
      const at = now()
      forgetIdle(at)
      const until = heldUntil(key, at)
      if (within.length === 0) return secondsUntil(until, at)
      const times = timesOf(key, within)
      const freeAt = Math.max(until, roomAt(times, within, at))
      if (freeAt <= at) times.add()
      return secondsUntil(freeAt, at)
    },
    async hold(key, milliseconds) {
      const at = now()
      const until = at + Math.min(milliseconds, LONGEST_HOLD_MS)
      holds.set(key, Math.max(heldUntil(key, at), until))
    },
    async taken(key, spanMs) {
      const at = now()
      const times = recent.get(key)
      if (times === undefined) return 0
      return times.countAt(at) - times.countUntil(at - spanMs)
    },
  }
}

/** When all of these allowances have room: not after `now`, if they have it now. */
function roomAt(times: RecentTimes, within: readonly Allowance[], now: number): number {
  const count = times.countAt(now)
  let room = now
  for (const { most, spanMs } of within) {
    // With this one in the span there is no room; once it has left, so many are there less one.
    const leaver = count < most ? null : times.at(count - most)
    if (leaver !== null) room = Math.max(room, leaver + spanMs)
  }
  return room
}

/** Null where it is not after `now`. */
function secondsUntil(then: number, now: number): number | null {
  return then <= now ? null : Math.ceil((then - now) / 1000)
}
