/** Remembers what documents were parsed to, within a bound on their text and not on their number. */

/** Characters of all remembered documents together: several hundred operations of a frontend. */
const MOST_CHARACTERS = 200_000

/** What Yoga keeps parsed documents in, and errors of those that cannot be parsed. */
export interface DocumentCache<T> {
  get(document: string): T | undefined
  set(document: string, value: T): void
}

/** Forgets what has not been asked for the longest. */
export function createDocumentCache<T>(): DocumentCache<T> {
  const values = new Map<string, T>()
  let characters = 0

  return {
    get(document) {
      const value = values.get(document)
      if (value === undefined) return undefined
      values.delete(document)
      values.set(document, value)
      return value
    },
    set(document, value) {
      if (!values.has(document)) characters += document.length
      values.set(document, value)
      for (const oldest of values.keys()) {
        if (characters <= MOST_CHARACTERS) return
        values.delete(oldest)
        characters -= oldest.length
      }
    },
  }
}
