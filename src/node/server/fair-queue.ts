/** A queue whose keys take turns: one item of each key, then the next item of each. */

/** Null is a key like any other. */
export type Key = string | null

export interface FairQueue<T> {
  enqueue(key: Key, item: T): void
  /** Removes and returns the oldest item of the key whose turn it is; null if the queue is empty. */
  dequeue(): T | null
  length(): number
  /** Maximum number of items in the queue that are dequeued before a new item of this key. */
  aheadOf(key: Key): number
}

export function createFairQueue<T>(): FairQueue<T> {
  /** Keys that have items. */
  const itemsOf = new Map<Key, Fifo<T>>()
  /** The same keys, in the order of their turns. */
  const turns = createFifo<{ readonly key: Key; readonly items: Fifo<T> }>()
  let length = 0

  return {
    enqueue(key, item) {
      let items = itemsOf.get(key)
      if (items === undefined) {
        items = createFifo()
        itemsOf.set(key, items)
        turns.push({ key, items })
      }
      items.push(item)
      length += 1
    },
    dequeue() {
      const turn = turns.shift()
      const item = turn?.items.shift() ?? null
      if (turn === null || item === null) return null
      length -= 1
      if (turn.items.length() > 0) turns.push(turn)
      else itemsOf.delete(turn.key)
      return item
    },
    length: () => length,
    aheadOf(key) {
      const items = itemsOf.get(key)
      const rounds = (items?.length() ?? 0) + 1
      const keys = itemsOf.size + (items === undefined ? 1 : 0)
      return Math.min(length, rounds * keys - 1)
    },
  }
}

interface Fifo<T> {
  push(item: T): void
  shift(): T | null
  length(): number
}

/** Number of removals after which the array is copied, so that a removal moves no elements. */
const COMPACT_AFTER = 256

function createFifo<T>(): Fifo<T> {
  /** Removed items are replaced by null, so that they can be garbage-collected. */
  let items: (T | null)[] = []
  let first = 0
  return {
    push(item) {
      items.push(item)
    },
    shift() {
      const oldest = items[first] ?? null
      if (oldest === null) return null
      items[first] = null
      first += 1
      if (first === items.length || first === COMPACT_AFTER) {
        items = items.slice(first)
        first = 0
      }
      return oldest
    },
    length: () => items.length - first,
  }
}
