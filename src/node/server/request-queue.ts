/** A FIFO queue of requests with their arrival times. */

export interface QueuedRequest<T> {
  readonly request: T
  readonly since: number
}

export interface RequestQueue<T> {
  enqueue(request: T, since: number): void
  /** Removes and returns the oldest request; null if the queue is empty. */
  dequeue(): QueuedRequest<T> | null
  length(): number
}

/** Number of removals after which the array is copied, so that a removal moves no elements. */
const COMPACT_AFTER = 256

export function createQueue<T>(): RequestQueue<T> {
  /** Removed requests are replaced by null, so that they can be garbage-collected. */
  let waiting: (QueuedRequest<T> | null)[] = []
  let first = 0
  return {
    enqueue(request, since) {
      waiting.push({ request, since })
    },
    dequeue() {
      const oldest = waiting[first] ?? null
      if (oldest === null) return null
      waiting[first] = null
      first += 1
      if (first === waiting.length || first === COMPACT_AFTER) {
        waiting = waiting.slice(first)
        first = 0
      }
      return oldest
    },
    length: () => waiting.length - first,
  }
}
