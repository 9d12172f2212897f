/** Allowances within one process: gone with it, and at the same small cost for any number. */
import type { Allowance, Allowances } from './allowances.ts'
import { type RecentTimes, createRecentTimes } from './recent-times.ts'

/** So often one looks for keys that nothing is to be remembered of. */
const SWEEP_MS = 60_000

/**
 * Holds some twice as many times for a key as its largest allowance, and forgets keys whose longest
 * span is over. Never rejects.
 */
export function createMemoryAllowances(): Allowances {
  const recent = new Map<string, RecentTimes>()
  /** Until when keys are held, in milliseconds since 1970. */
  const holds = new Map<string, number>()
  let sweptAt = 0

  function forgetIdle(now: number): void {
    if (Math.abs(now - sweptAt) < SWEEP_MS) return
    sweptAt = now
    for (const [key, times] of recent) if (times.countAt(now) === 0) recent.delete(key)
    for (const [key, until] of holds) if (until <= now) holds.delete(key)
  }

  function timesOf(key: string, within: readonly Allowance[]): RecentTimes {
    const known = recent.get(key)
    if (known !== undefined) return known
    const times = createRecentTimes(Math.max(...within.map(({ spanMs }) => spanMs)))
    recent.set(key, times)
    return times
  }

  return {
    async take(key, within, at) {
      const now = at.getTime()
      forgetIdle(now)
      const heldUntil = holds.get(key) ?? now
      if (within.length === 0) return secondsUntil(heldUntil, now)
      const times = timesOf(key, within)
      const freeAt = Math.max(heldUntil, roomAt(times, within, now))
      if (freeAt <= now) times.add()
      return secondsUntil(freeAt, now)
    },
    async hold(key, until) {
      holds.set(key, Math.max(holds.get(key) ?? 0, until.getTime()))
    },
    async taken(key, spanMs, at) {
      const now = at.getTime()
      const times = recent.get(key)
      if (times === undefined) return 0
      return times.countAt(now) - times.countUntil(now - spanMs)
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
