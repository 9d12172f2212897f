/** A bounded queue of changes that one subscriber reads as an async iterator. */
import { createBacklog } from './coalescing-queue.ts'
import type { Upload } from '../upload.ts'

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

/** `onClose` is called once, when the reader is done, whatever the reason. */
export function createChangeQueue(onClose: () => void): ChangeQueue {
  const backlog = createBacklog<Upload>()
  let waiting: Settle[] = []
  let state: 'open' | 'ending' | 'closed' = 'open'

  function close(): void {
    if (state === 'closed') return
    state = 'closed'
    backlog.clear()
    for (const settle of waiting) settle({ done: true, value: undefined })
    waiting = []
    onClose()
  }

  return {
    put(upload) {
      if (state !== 'open') return
      const settle = waiting.shift()
      if (settle !== undefined) settle({ done: false, value: upload })
      else if (!backlog.put(upload)) close()
    },
    end() {
      if (state !== 'open') return
      state = 'ending'
      if (backlog.isEmpty()) close()
    },
    changes: {
      next() {
        const upload = backlog.take()
        if (upload !== undefined) {
          const result = { done: false, value: upload } as const
          if (state === 'ending' && backlog.isEmpty()) close()
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

/** Answers a read that came before there was anything to read. */
type Settle = (result: IteratorResult<Upload, void>) => void
