/** A bounded queue of changes that one subscriber reads as an async iterator. */
import type { Upload } from './upload.ts'

/** What a subscriber reads. Its `return` releases everything at once, even while a read waits. */
export type UploadChanges = AsyncIterableIterator<Upload, void, void>

/** The writing side of a subscription. */
export interface ChangeQueue {
  /** Hands a change to the reader, or keeps it until the reader comes. */
  put(upload: Upload): void
  /** Ends the subscription once everything that was put has been read. */
  end(): void
  readonly changes: UploadChanges
}

/** Changes that are kept one by one; a slower reader gets the newest state of each upload. */
const MOST_KEPT = 32
/** Different uploads that are kept for one reader; a reader slower than that is let go. */
const MOST_UPLOADS = 1000

/** `onClose` is called once, when the reader is done, whatever the reason. */
export function createChangeQueue(onClose: () => void): ChangeQueue {
  let kept: Upload[] = []
  let waiting: PromiseWithResolvers<IteratorResult<Upload, void>> | null = null
  let state: 'open' | 'ending' | 'closed' = 'open'

  function close(): void {
    if (state === 'closed') return
    state = 'closed'
    kept = []
    waiting?.resolve({ done: true, value: undefined })
    waiting = null
    onClose()
  }

  return {
    put(upload) {
      if (state !== 'open') return
      if (waiting !== null) {
        waiting.resolve({ done: false, value: upload })
        waiting = null
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
        waiting ??= withResolvers()
        return waiting.promise
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

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
}

/** `Promise.withResolvers` comes with Node 22 only. */
function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
