/** A first-in, first-out queue of requests, each with the time since when it waits. */

export interface Waiting<T> {
  readonly request: T
  readonly since: number
}

export interface RequestQueue<T> {
  put(request: T, since: number): void
  /** Removes the oldest; null where the queue is empty. */
  take(): Waiting<T> | null
  length(): number
}

/** The array is copied after this many, so that taking one moves nothing. */
const CLEARED_AT_ONCE = 256

export function createQueue<T>(): RequestQueue<T> {
  /** Null where one was taken: everything reachable from it would be kept. */
  let waiting: (Waiting<T> | null)[] = []
  let first = 0
  return {
    put(request, since) {
      waiting.push({ request, since })
    },
    take() {
      const oldest = waiting[first] ?? null
      if (oldest === null) return null
      waiting[first] = null
      first += 1
      if (first === waiting.length || first === CLEARED_AT_ONCE) {
        waiting = waiting.slice(first)
        first = 0
      }
      return oldest
    },
    length: () => waiting.length - first,
  }
}
