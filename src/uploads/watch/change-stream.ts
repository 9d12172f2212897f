/** A bounded stream of changes that one subscriber reads as an async iterator. */
import { createCoalescingQueue } from './coalescing-queue.ts'
import type { Upload } from '../upload.ts'

/** The reading side. `return` releases all resources immediately, even during a pending read. */
export interface UploadChanges extends AsyncIterableIterator<Upload, void, void> {
  /** Whether the stream ended although further changes may follow: the client must subscribe again. */
  readonly isInterrupted: () => boolean
}

/** The writing side. */
export interface ChangeStream {
  /** Passes a change to a pending read, or queues it. Closes the stream if the reader is too slow. */
  readonly put: (upload: Upload) => void
  /** Ends the stream after all queued changes are read: the last of them is final. */
  readonly end: () => void
  /** The same, but further changes may follow that this stream does not receive. */
  readonly interrupt: () => void
  /** Interrupts the stream immediately and drops unread changes. */
  readonly close: () => void
  /** Calls the function when the stream closes for any reason; immediately if it is closed already. */
  readonly onClose: (release: () => void) => void
  readonly changes: UploadChanges
}

export function createChangeStream(): ChangeStream {
  const queue = createCoalescingQueue<Upload>()
  let pendingReads: ResolveRead[] = []
  const releases: (() => void)[] = []
  let state: 'open' | 'ending' | 'closed' = 'open'
  let isInterrupted = false

  function end(): void {
    if (state !== 'open') return
    state = 'ending'
    if (queue.isEmpty()) release()
  }

  function close(): void {
    if (state === 'closed') return
    isInterrupted = true
    release()
  }

  function release(): void {
    if (state === 'closed') return
    state = 'closed'
    queue.clear()
    for (const resolveRead of pendingReads) resolveRead({ done: true, value: undefined })
    pendingReads = []
    for (const onClose of releases) onClose()
  }

  return {
    put(upload) {
      if (state !== 'open') return
      const resolveRead = pendingReads.shift()
      if (resolveRead !== undefined) resolveRead({ done: false, value: upload })
      else if (!queue.put(upload)) close()
    },
    end,
    interrupt() {
      if (state !== 'open') return
      isInterrupted = true
      end()
    },
    close,
    onClose(listener) {
      if (state === 'closed') listener()
      else releases.push(listener)
    },
    changes: {
      next() {
        const upload = queue.take()
        if (upload !== undefined) {
          const result = { done: false, value: upload } as const
          if (state === 'ending' && queue.isEmpty()) release()
          return Promise.resolve(result)
        }
        if (state !== 'open') return Promise.resolve({ done: true, value: undefined })
        return new Promise((resolve) => {
          pendingReads.push(resolve)
        })
      },
      return() {
        release()
        return Promise.resolve({ done: true, value: undefined })
      },
      isInterrupted: () => isInterrupted,
      [Symbol.asyncIterator]() {
        return this
      },
    },
  }
}

/** Resolves a pending read. */
type ResolveRead = (result: IteratorResult<Upload, void>) => void
