/** The files of a queue, their shown state, and its listeners. */
import { callListener } from '../call-listener.ts'
import { isPermanent } from '../terminal-errors.ts'
import { toUploadError } from '../upload-error.ts'
import type { Entry } from './entry.ts'
import type { ActiveState, QueuedFile, QueuedUpload } from './queued-upload.ts'

export interface QueueList {
  /** Returns the entries, oldest first. */
  all(): readonly Entry[]
  /** Returns null for an unknown id, and for a removed file. */
  get(id: string): Entry | null
  has(entry: Entry): boolean
  /** Replaces all entries. */
  set(entries: readonly Entry[]): void
  remove(entry: Entry): void
  /** Replaces what is shown of an entry. Nothing is shown of one that was removed. */
  show(entry: Entry, shown: QueuedUpload): void
  showState(entry: Entry, state: ActiveState, change?: Partial<QueuedFile>): void
  /** Closes the file and shows the error. After a permanent one, nothing is left to resume. */
  fail(entry: Entry, error: unknown): void
  getSnapshot(): readonly QueuedUpload[]
  subscribe(listener: () => void): () => void
  /** The snapshot stays as it is, and no listener is called any more. */
  close(): void
}

export function createQueueList(): QueueList {
  const listeners = new Set<() => void>()
  let entries: ReadonlyMap<string, Entry> = new Map()
  let snapshot: readonly QueuedUpload[] = []
  let isClosed = false

  function emit(): void {
    if (isClosed) return
    snapshot = [...entries.values()].map(({ shown }) => shown)
    for (const listener of listeners) callListener(listener)
  }

  function set(all: readonly Entry[]): void {
    entries = new Map(all.map((entry) => [entry.id, entry]))
    emit()
  }

  const has = (entry: Entry): boolean => entries.get(entry.id) === entry

  function show(entry: Entry, shown: QueuedUpload): void {
    entry.shown = shown
    if (has(entry)) emit()
  }

  return {
    all: () => [...entries.values()],
    get: (id) => entries.get(id) ?? null,
    has,
    set,
    remove: (entry) => set([...entries.values()].filter((other) => other !== entry)),
    show,
    showState(entry, state, change = {}) {
      const { upload } = entry.shown
      show(entry, { ...entry.shown, bytesPerSecond: null, ...change, state, upload, error: null })
    },
    fail(entry, thrown) {
      const error = toUploadError(thrown)
      if (isPermanent(error)) entry.stored = null
      entry.prepared?.file.close()
      entry.prepared = null
      entry.step = 'new'
      const { upload } = entry.shown
      show(entry, { ...entry.shown, bytesPerSecond: null, state: 'failed', upload, error })
    },
    getSnapshot: () => snapshot,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      isClosed = true
      listeners.clear()
    },
  }
}
