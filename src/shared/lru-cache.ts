/** Remembers what belongs to a text, within a bound on the texts and not on their number. */

/** Values by text. */
export interface RecentlyUsed<T> {
  get(text: string): T | undefined
  set(text: string, value: T): void
  delete(text: string): void
}

interface Entry<T> {
  /** What belongs to the text; another one may take its place. */
  value: T
  /** After how many others it was put at the end. */
  put: number
}

/**
 * Forgets what has not been used for the longest, so that all remembered texts together have no more
 * than so many characters.
 *
 * Whatever is used belongs among those used last, but is moved there only where it stands in the older
 * half: to move each at each use takes longer than all the rest, and a Map that is changed all the time
 * keeps what it held before from the young generation's collector, table by table.
 */
export function createRecentlyUsed<T>(mostCharacters: number): RecentlyUsed<T> {
  const entries = new Map<string, Entry<T>>()
  let characters = 0
  /** How many were put at the end until now. */
  let puts = 0

  function put(text: string, entry: Entry<T>): void {
    puts += 1
    entry.put = puts
    entries.set(text, entry)
  }

  function forget(text: string): void {
    if (entries.delete(text)) characters -= text.length
  }

  return {
    get(text) {
      const entry = entries.get(text)
      if (entry === undefined) return undefined
      if (puts - entry.put > entries.size / 2) {
        entries.delete(text)
        put(text, entry)
      }
      return entry.value
    },
    set(text, value) {
      forget(text)
      put(text, { value, put: 0 })
      characters += text.length
      for (const leastRecent of entries.keys()) {
        if (characters <= mostCharacters) return
        forget(leastRecent)
      }
    },
    delete: forget,
  }
}
