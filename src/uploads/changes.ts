/** A bounded queue of changes that one subscriber reads as an async iterator. */
import type { Upload } from './upload.ts'

/** What a subscriber reads. Its `return` releases everything at once, even while a read waits. */
export type UploadChanges = AsyncIterableIterator<Upload, void, void>

/** The writing side of a subscription. */
export interface ChangeQueue {
  /** Hands a change to the reader, or keeps it until the reader comes. */
  readonly put: (upload: Upload) => void
  /** Ends the subscription once everything that was put has been read. */
  readonly end: () => void
  readonly changes: UploadChanges
}

/** Changes that are kept one by one; a slower reader gets the newest state of each upload. */
const MOST_KEPT = 32
/** Different uploads that are kept for one reader; a reader slower than that is let go. */
const MOST_UPLOADS = 1000

/** `onClose` is called once, when the reader is done, whatever the reason. */
export function createChangeQueue(onClose: () => void): ChangeQueue {
  let kept: Upload[] = []
  let waiting: Settle[] = []
  let state: 'open' | 'ending' | 'closed' = 'open'

  function close(): void {
    if (state === 'closed') return
    state = 'closed'
    kept = []
    for (const settle of waiting) settle({ done: true, value: undefined })
    waiting = []
    onClose()
  }

  return {
    put(upload) {
      if (state !== 'open') return
      const settle = waiting.shift()
      if (settle !== undefined) {
        settle({ done: false, value: upload })
        return
      }
      kept.push(upload)
      if (kept.length > MOST_KEPT) kept = newestOfEach(kept)
      if (kept.length > MOST_UPLOADS) close()
    },
    end() {
      if (state !== 'open') return
      state = 'ending'
      if (kept.length === 0) close()
    },
    changes: {
      next() {
        const upload = kept.shift()
        if (upload !== undefined) {
          const result = { done: false, value: upload } as const
          if (state === 'ending' && kept.length === 0) close()
          return Promise.resolve(result)
        }
        if (state !== 'open') return Promise.resolve({ done: true, value: undefined })
        return new Promise((resolve) => {
          waiting.push(resolve)
        })
      },
      return() {
        close()
        return Promise.resolve({ done: true, value: undefined })
      },
      [Symbol.asyncIterator]() {
        return this
      },
    },
  }
}

/** The newest of each upload, in the order of their latest change. */
function newestOfEach(uploads: readonly Upload[]): Upload[] {
  const newest = new Map<string, Upload>()
  for (const upload of uploads) {
    newest.delete(upload.uid)
    newest.set(upload.uid, upload)
  }
  return [...newest.values()]
}

/** Answers a read that came before there was anything to read. */
type Settle = (result: IteratorResult<Upload, void>) => void
