/** What is remembered of documents, by their text: those that a frontend sends again and again. */
import { type RecentlyUsed, createRecentlyUsed } from '../../../shared/lru-cache.ts'

/** Characters of all remembered documents together: several hundred operations of a frontend. */
const MOST_CHARACTERS = 200_000

/** What Yoga keeps parsed documents in, and errors of those that cannot be parsed. */
export type DocumentCache<T> = Pick<RecentlyUsed<T>, 'get' | 'set'>

/** Forgets what has not been asked for the longest, about. */
export function createDocumentCache<T>(): DocumentCache<T> {
  return createRecentlyUsed(MOST_CHARACTERS)
}
