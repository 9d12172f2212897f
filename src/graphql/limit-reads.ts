/** Limits the concurrent reads of one operation on a shared database. */
import type { UploadStore } from '../uploads/ports/upload-store.ts'

/**
 * Each alias is a read, and a pool has about ten connections: an operation with fifty aliases would delay
 * other requests. Embedded databases respond synchronously and need no limit.
 */
const MAX_CONCURRENT_READS = 4

/** Returns the store for one operation; reads above the limit wait for its own earlier reads. */
export function limitReads(store: UploadStore): UploadStore {
  if (!store.isShared) return store
  const waiting: (() => void)[] = []
  let free = MAX_CONCURRENT_READS

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
    list: (filter, range) => limited(() => store.list(filter, range)),
    count: (filter) => limited(() => store.count(filter)),
    countByToken: (tokenId) => limited(() => store.countByToken(tokenId)),
    quotaUsage: (creator) => limited(() => store.quotaUsage(creator)),
  }
}
