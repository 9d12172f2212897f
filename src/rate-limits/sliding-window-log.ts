/** Remembers when something was done lately, and counts it, at the same small cost for any number. */

/** Moments in milliseconds, oldest first, of which those older than the span are forgotten. */
export interface RecentTimes {
  /** Looks at it from this moment, and says how many there are in the span before it. */
  countAt(now: number): number
  /** Counts one more at the moment that was last looked from. */
  add(): void
  /** When the n-th oldest was, from 0; null where there are not so many. */
  at(index: number): number | null
  /** How many of them are not after this moment. */
  countUntil(moment: number): number
}

/** Forgotten ones are cleared away when they are so many, and as many as the others. */
const FORGOTTEN = 64

/**
 * Times within `spanMs` of whenever one looks: one that is exactly as old is over. Holds some twice
 * as many as the span has seen at once. Where the clock is set back, what lies in its future
 * counts as done now: whoever is refused by it waits for one span at most.
 */
export function createRecentTimes(spanMs: number): RecentTimes {
  let times: number[] = []
  /** Where the remembered ones begin. */
  let head = 0
  let seenFrom = Number.NEGATIVE_INFINITY

  /** Where the first one after this moment stands: they are in order, so that halving finds it. */
  function firstAfter(moment: number): number {
    let [from, to] = [head, times.length]
    while (from < to) {
      const middle = (from + to) >>> 1
      if ((times[middle] ?? 0) <= moment) from = middle + 1
      else to = middle
    }
    return from
  }

  return {
    countAt(now) {
      if (now < seenFrom) times = times.map((time) => Math.min(time, now))
      seenFrom = now
      // Most often none is over, or all are.
      if ((times[head] ?? now) <= now - spanMs) head = firstAfter(now - spanMs)
      if (head >= FORGOTTEN && head * 2 >= times.length) {
        times = times.slice(head)
        head = 0
      }
      return times.length - head
    },
    add() {
      times.push(seenFrom)
    },
    at: (index) => times[head + index] ?? null,
    countUntil: (moment) => firstAfter(moment) - head,
  }
}
