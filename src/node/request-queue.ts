/** Requests in the order they came, each with the time since when it waits. */

/** One that waits. */
export interface Waiting<T> {
  readonly request: T
  readonly since: number
}

export interface RequestQueue<T> {
  put(request: T, since: number): void
  /** The one to be taken next; null where nobody waits. */
  oldest(): Waiting<T> | null
  take(): void
  /** Takes the one that came last, out of turn; null where nobody waits. */
  takeNewest(): T | null
  length(): number
  /** How many were ever taken in their turn. */
  taken(): number
}

/** Nothing is moved for each that is taken: the room of so many is given back at once. */
const CLEARED_AT_ONCE = 256

export function createQueue<T>(): RequestQueue<T> {
  /** Null where one has been taken: while it stood here, all that belongs to it would be kept. */
  let waiting: (Waiting<T> | null)[] = []
  let first = 0
  let taken = 0
  return {
    put(request, since) {
      waiting.push({ request, since })
    },
    oldest: () => waiting[first] ?? null,
    take() {
      if (first === waiting.length) return
      waiting[first] = null
      first += 1
      taken += 1
      if (first === waiting.length || first === CLEARED_AT_ONCE) {
        waiting = waiting.slice(first)
        first = 0
      }
    },
    takeNewest() {
      if (first === waiting.length) return null
      return waiting.pop()?.request ?? null
    },
    length: () => waiting.length - first,
    taken: () => taken,
  }
}
