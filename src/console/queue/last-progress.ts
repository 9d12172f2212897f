/** Keeps sent bytes over a reload: the gateway learns of them a moment later. */
import { isObject } from '../../client/shape.ts'

/** Sent bytes by uid. */
export interface LastProgress {
  /** Returns null without an entry. */
  get(uid: string): number | null
  record(uid: string, sentBytes: number): void
  delete(uid: string): void
}

const KEY = 'headgate-last-seen'
/** Minimum interval between writes in milliseconds: storage is slow, and the value is only shown. */
const WRITE_INTERVAL_MS = 1000

/** Without a usable localStorage, the progress is lost on a reload; nothing throws. */
export function createLastProgress(): LastProgress {
  const sentByUid = new Map<string, number>()
  let writtenAt = 0
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}')
    for (const [uid, bytes] of Object.entries(isObject(stored) ? stored : {})) {
      if (typeof bytes === 'number') sentByUid.set(uid, bytes)
    }
  } catch {
    // Missing or invalid entry: starts empty.
  }

  function write(): void {
    writtenAt = Date.now()
    try {
      localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(sentByUid)))
    } catch {
      // Storage full or forbidden: not kept over a reload.
    }
  }

  addEventListener('pagehide', write)
  return {
    get: (uid) => sentByUid.get(uid) ?? null,
    record(uid, sentBytes) {
      sentByUid.set(uid, sentBytes)
      if (Date.now() - writtenAt >= WRITE_INTERVAL_MS) write()
    },
    delete(uid) {
      if (sentByUid.delete(uid)) write()
    },
  }
}
