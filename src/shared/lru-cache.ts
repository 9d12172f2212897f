/** LRU cache with string keys; limits the total length of its keys instead of their number. */

/** Values by key. */
export interface LruCache<T> {
  get(key: string): T | undefined
  set(key: string, value: T): void
  delete(key: string): void
}

interface Entry<T> {
  /** The value; `set` replaces the entry. */
  value: T
  /** Value of the `moves` counter when the entry was last moved to the end. */
  movedAt: number
}

/**
 * Evicts the least recently used entries while all keys together have more than this many characters.
 *
 * A read moves an entry to the end only if it is in the older half. Moving it on every read takes longer than
 * everything else, and a Map under constant change keeps replaced hash tables alive past young-generation
 * garbage collections.
 */
export function createLruCache<T>(maxCharacters: number): LruCache<T> {
  const entries = new Map<string, Entry<T>>()
  let characters = 0
  /** Number of moves to the end so far. */
  let moves = 0

  function moveToEnd(key: string, entry: Entry<T>): void {
    moves += 1
    entry.movedAt = moves
    entries.set(key, entry)
  }

  function remove(key: string): void {
    if (entries.delete(key)) characters -= key.length
  }

  return {
    get(key) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      if (moves - entry.movedAt > entries.size / 2) {
        entries.delete(key)
        moveToEnd(key, entry)
      }
      return entry.value
    },
    set(key, value) {
      remove(key)
      moveToEnd(key, { value, movedAt: 0 })
      characters += key.length
      for (const leastRecent of entries.keys()) {
        if (characters <= maxCharacters) return
        remove(leastRecent)
      }
    },
    delete: remove,
  }
}
