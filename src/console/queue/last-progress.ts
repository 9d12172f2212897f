/** How far uploads were when the page was last seen: the gateway hears of it a moment later. */
import { isObject } from '../../client/shape.ts'

/** Bytes by uid. */
export interface LastSeen {
  /** Null where nothing is known. */
  get(uid: string): number | null
  note(uid: string, sentBytes: number): void
  forget(uid: string): void
}

const KEY = 'headgate-last-seen'
/** Writing to the disk is slow: once a second is enough for a line of words. */
const WRITE_MS = 1000

/** Storage that is full or forbidden costs only these words. */
export function createLastSeen(): LastSeen {
  const seen = new Map<string, number>()
  let writtenAt = 0
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    for (const [uid, bytes] of Object.entries(isObject(kept) ? kept : {})) {
      if (typeof bytes === 'number') seen.set(uid, bytes)
    }
  } catch {
    // Then it begins with nothing.
  }

  function write(): void {
    writtenAt = Date.now()
    try {
      localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(seen)))
    } catch {
      // Then it is forgotten with the page.
    }
  }

  addEventListener('pagehide', write)
  return {
    get: (uid) => seen.get(uid) ?? null,
    note(uid, sentBytes) {
      seen.set(uid, sentBytes)
      if (Date.now() - writtenAt >= WRITE_MS) write()
    },
    forget(uid) {
      if (seen.delete(uid)) write()
    },
  }
}
