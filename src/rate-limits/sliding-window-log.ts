/** Log of recent timestamps with a count; the cost per call hardly depends on their number. */

/** Timestamps in milliseconds, oldest first. Timestamps older than the window are deleted. */
export interface SlidingWindowLog {
  /** Sets the current time, and returns the count in the window before it. */
  countAt(now: number): number
  /** Adds a timestamp at the time of the last `countAt`. */
  add(): void
  /** Removes one timestamp: the newest that is not after this time. */
  remove(timestamp: number): void
  /** Returns the n-th oldest timestamp, from 0; null if there are fewer. */
  at(index: number): number | null
  /** Returns the number of timestamps not after this time. */
  countUntil(timestamp: number): number
}

/** Expired timestamps are removed once there are this many, and at least half of the array. */
const COMPACT_AFTER = 64

/**
 * Creates a log of the last `windowMs` milliseconds. A timestamp of exactly this age has expired. Keeps about
 * twice as many timestamps as the window held at once. If the clock is set back, future timestamps count as
 * now, so a rejected caller waits at most one window.
 */
export function createSlidingWindowLog(windowMs: number): SlidingWindowLog {
  let times: number[] = []
  /** Index of the oldest valid timestamp. */
  let head = 0
  let lastNow = Number.NEGATIVE_INFINITY

  /** Returns the index of the first timestamp after this time, by binary search. */
  function firstAfter(timestamp: number): number {
    let [from, to] = [head, times.length]
    while (from < to) {
      const middle = (from + to) >>> 1
      if ((times[middle] ?? 0) <= timestamp) from = middle + 1
      else to = middle
    }
    return from
  }

  return {
    countAt(now) {
      if (now < lastNow) times = times.map((time) => Math.min(time, now))
      lastNow = now
      // Usually none has expired, or all have.
      if ((times[head] ?? now) <= now - windowMs) head = firstAfter(now - windowMs)
      if (head >= COMPACT_AFTER && head * 2 >= times.length) {
        times = times.slice(head)
        head = 0
      }
      return times.length - head
    },
    add() {
      times.push(lastNow)
    },
    remove(timestamp) {
      const index = firstAfter(timestamp) - 1
      if (index >= head) times.splice(index, 1)
    },
    at: (index) => times[head + index] ?? null,
    countUntil: (timestamp) => firstAfter(timestamp) - head,
  }
}
