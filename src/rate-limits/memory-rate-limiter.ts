/** `RateLimiter` adapter for one process. State is lost with the process. */
import {
  type Consumption,
  type RateWindow,
  type RateLimiter,
  MAX_BLOCK_MS,
} from '../uploads/ports/rate-limiter.ts'
import { type SlidingWindowLog, createSlidingWindowLog } from './sliding-window-log.ts'

/** Milliseconds between two removals of idle keys. */
const SWEEP_MS = 60_000

/**
 * Keeps at most about twice as many timestamps per key as its largest limit. Deletes keys whose longest
 * window is over. Never rejects.
 * @param now milliseconds of one clock, preferably monotonic
 */
export function createMemoryRateLimiter(now: () => number): RateLimiter {
  const logs = new Map<string, SlidingWindowLog>()
  /** End of each block in milliseconds of the clock, by key. */
  const blocks = new Map<string, number>()
  let sweptAt = 0

  function deleteIdleKeys(at: number): void {
    if (Math.abs(at - sweptAt) < SWEEP_MS) return
    sweptAt = at
    for (const [key, log] of logs) if (log.countAt(at) === 0) logs.delete(key)
    for (const key of blocks.keys()) if (blockedUntil(key, at) <= at) blocks.delete(key)
  }

  /** Returns the end of the block, or `at` without an active block. */
  function blockedUntil(key: string, at: number): number {
    const until = blocks.get(key) ?? at
    return until > at + MAX_BLOCK_MS ? at : until
  }

  function logOf(key: string, windows: readonly RateWindow[]): SlidingWindowLog {
    const known = logs.get(key)
    if (known !== undefined) return known
    const log = createSlidingWindowLog(Math.max(...windows.map(({ windowMs }) => windowMs)))
    logs.set(key, log)
    return log
  }

  return {
    async consume(key, windows) {
      const at = now()
      deleteIdleKeys(at)
      const until = blockedUntil(key, at)
      if (windows.length === 0) return consumption(until, at)
      const log = logOf(key, windows)
      const freeAt = Math.max(until, availableAt(log, windows, at))
      if (freeAt <= at) log.add()
      return consumption(freeAt, at)
    },
    async giveBack(key, at) {
      logs.get(key)?.remove(at)
    },
    async block(key, milliseconds) {
      const at = now()
      const until = at + Math.min(milliseconds, MAX_BLOCK_MS)
      blocks.set(key, Math.max(blockedUntil(key, at), until))
    },
    async countConsumed(key, windowMs) {
      const at = now()
      const log = logs.get(key)
      if (log === undefined) return 0
      return log.countAt(at) - log.countUntil(at - windowMs)
    },
  }
}

/** Returns the earliest time at which all windows are below their limits; `now` if they have it already. */
function availableAt(log: SlidingWindowLog, windows: readonly RateWindow[], now: number): number {
  const count = log.countAt(now)
  let freeAt = now
  for (const { limit, windowMs } of windows) {
    // While this timestamp is in the window, the window is full; afterwards it holds `limit - 1`.
    const expiring = count < limit ? null : log.at(count - limit)
    if (expiring !== null) freeAt = Math.max(freeAt, expiring + windowMs)
  }
  return freeAt
}

function consumption(freeAt: number, now: number): Consumption {
  return freeAt <= now
    ? { kind: 'consumed', at: now }
    : { kind: 'rejected', retryAfterSeconds: Math.ceil((freeAt - now) / 1000) }
}
