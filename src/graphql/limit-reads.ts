/** Bounds how many reads of one operation a shared database serves at the same time. */
import type { UploadStore } from '../uploads/ports/upload-store.ts'

/**
 * Each alias is a read, and a pool has some ten connections: an operation of fifty aliases would have others
 * wait for all of them. An embedded database answers at once, in any case.
 */
const READS_AT_ONCE = 4

/** The store for one operation: what exceeds the limit waits for the operation's own earlier reads. */
export function limitReads(store: UploadStore): UploadStore {
  if (!store.isShared) return store
  const waiting: (() => void)[] = []
  let free = READS_AT_ONCE

  async function limited<T>(read: () => T | Promise<T>): Promise<T> {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => void waiting.push(resolve))
    try {
      return await read()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    }
  }

  return {
    ...store,
    find: (uid) => limited(() => store.find(uid)),
    findMany: (uids) => limited(() => store.findMany(uids)),
    historyOf: (ids) => limited(() => store.historyOf(ids)),
    list: (selection, stretch) => limited(() => store.list(selection, stretch)),
    count: (selection) => limited(() => store.count(selection)),
    holdings: (creator) => limited(() => store.holdings(creator)),
  }
}
