/** Uploads many files, a few at a time, and keeps the state of each. */
import { deleteUpload } from '../delete-upload.ts'
import { dependenciesOf } from '../dependencies.ts'
import { creatorKeyPrefix } from '../resume/fingerprint.ts'
import { describeSource } from '../sources/open-source.ts'
import type { UploadClient } from '../upload-client.ts'
import { UploadError, invalidInput } from '../upload-error.ts'
import { validateUpload } from '../upload-options.ts'
import type { UploadSource } from '../upload-source.ts'
import { type Entry, createEntry, restoreEntry } from './entry.ts'
import { createQueueList } from './queue-list.ts'
import type { QueueFileOptions, QueuedUpload } from './queued-upload.ts'
import { createScheduler } from './scheduler.ts'

export interface UploadQueueOptions {
  /** Uploads that are sent or encoded at the same time, each with one connection to the gateway. Default: 3. */
  readonly concurrency?: number | undefined
  /** Settings of all files; those of `add` replace them one by one. */
  readonly settings?: QueueFileOptions | undefined
}

/**
 * `getSnapshot` and `subscribe` are the arguments of React's `useSyncExternalStore`. The first call of `subscribe`
 * or `add` lists the uploads that this device has not finished, in other tabs too.
 */
export interface UploadQueue {
  /** Returns all files, oldest first. It is another array after each change. */
  getSnapshot(): readonly QueuedUpload[]
  /** Calls the listener after each change, at most about 10 times a second for each file that is sent. */
  subscribe(listener: () => void): () => void
  /**
   * Adds files and returns their ids. The uploads of files that are added together are minted by one request for
   * each 20. A file whose upload was begun before a reload resumes it, whatever its options are now;
   * one that is to be private resumes no public upload.
   */
  add(
    files: Iterable<UploadSource>,
    options?: QueueFileOptions | ((file: UploadSource) => QueueFileOptions),
  ): readonly string[]
  /** Stops an upload until `resume`; another file takes its place. Its reservation lasts until the URL expires. */
  pause(id: string): void
  resume(id: string): void
  /** Uploads a failed file again; it resumes where that is possible. New options replace those of the file. */
  retry(id: string, options?: QueueFileOptions): void
  /**
   * Stops the upload, deletes it at the gateway, and removes the file from the list. A READY video is kept: call
   * `client.delete`. So is an upload that another entry of the same file in this queue goes on with.
   * @throws UploadError if the upload could not be deleted: the file is listed again, as failed
   */
  cancel(id: string): Promise<void>
  /** Removes the file from the list. A running upload stops, and adding the file again resumes it. */
  remove(id: string): void
  /** Stops all uploads for good. No listener is called any more, and the snapshot stays as it is. */
  close(): void
}

const DEFAULT_CONCURRENCY = 3

/**
 * Creates a queue. An error of the client's `token` function fails a file with the code UNAUTHENTICATED, and is its
 * `cause`.
 * @throws UploadError if `concurrency` is not a positive integer
 */
export function createUploadQueue(
  client: UploadClient,
  { concurrency = DEFAULT_CONCURRENCY, settings = {} }: UploadQueueOptions = {},
): UploadQueue {
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw invalidInput([{ path: ['concurrency'], message: 'must be a positive integer.' }])
  const dependencies = dependenciesOf(client)
  const closing = new AbortController()
  const list = createQueueList()
  let restoring: Promise<void> | null = null
  let count = 0
  const scheduler = createScheduler(dependencies, list, concurrency, restore, closing.signal)

  function nextId(): string {
    count += 1
    return `file-${count}`
  }

  /** Lists what was begun before a reload, once. */
  function restore(): Promise<void> {
    restoring ??= readStored()
    return restoring
  }

  async function readStored(): Promise<void> {
    try {
      const prefix = await creatorKeyPrefix(dependencies.url, await dependencies.token())
      const stored = await dependencies.resumeStore.list(prefix)
      const known = new Set(list.all().map(({ shown: { uid } }) => uid))
      const begun = stored.filter(({ upload }) => !known.has(upload.uid)).toReversed()
      if (begun.length === 0 || closing.signal.aborted) return
      list.set([...begun.map((upload) => restoreEntry(nextId(), upload)), ...list.all()])
      scheduler.start()
    } catch {
      // `token` failed. The next call lists them.
      restoring = null
    }
  }

  function entryFor(source: UploadSource, given: QueueFileOptions): Entry {
    const options = { ...settings, ...given }
    const { name, size } = describeSource(source)
    const file = { name: options.name ?? name ?? null, sizeBytes: size ?? 0 }
    const waiting = { state: 'waiting', upload: null, error: null } as const
    const entry = createEntry(nextId(), source, options, file, waiting)
    try {
      validateUpload(source, options)
    } catch (error) {
      list.fail(entry, error)
    }
    return entry
  }

  /** Whether another entry uploads the same file, or waits for that upload. */
  function isShared({ shown: { uid }, prepared }: Entry): boolean {
    return list
      .all()
      .filter(({ shown: { state } }) => state !== 'failed')
      .some((other) =>
        other.shown.uid === null
          ? prepared !== null && other.prepared?.key === prepared.key
          : other.shown.uid === uid,
      )
  }

  /** What is stored is resumed. Otherwise the upload starts over, with its file. */
  function restart(entry: Entry): void {
    if (entry.source === null) {
      entry.step = 'ready'
      list.showState(entry, entry.stored?.upload.isSent === true ? 'processing' : 'needs-file')
    } else if (entry.stored !== null) {
      list.showState(entry, 'waiting')
    } else {
      const nothing = { uid: null, fraction: 0, sentBytes: 0, encodingPercent: null }
      const none = { state: 'waiting', upload: null, error: null } as const
      list.show(entry, { ...entry.shown, ...nothing, ...none })
    }
  }

  return {
    getSnapshot: () => list.getSnapshot(),
    subscribe(listener) {
      if (closing.signal.aborted) return () => {}
      void restore()
      return list.subscribe(listener)
    },
    add(files, options = {}) {
      if (closing.signal.aborted) return []
      void restore()
      const added = Array.from(files, (file) =>
        entryFor(file, typeof options === 'function' ? options(file) : options),
      )
      list.set([...list.all(), ...added])
      scheduler.start()
      return added.map(({ id }) => id)
    },
    pause(id) {
      const entry = list.get(id)
      if (entry === null || !PAUSABLE.has(entry.shown.state)) return
      list.showState(entry, 'paused')
      stop(entry)
    },
    resume(id) {
      const entry = list.get(id)
      if (entry === null || entry.shown.state !== 'paused') return
      list.showState(entry, entry.step === 'batch' ? 'preparing' : 'waiting')
      scheduler.start()
    },
    retry(id, options) {
      const entry = list.get(id)
      if (entry === null || entry.shown.state !== 'failed') return
      if (entry.source === null && entry.stored === null) return
      if (options !== undefined) entry.options = { ...settings, ...options }
      restart(entry)
      scheduler.start()
    },
    async cancel(id) {
      const entry = list.get(id)
      if (entry === null) return
      list.remove(entry)
      const { state } = entry.shown
      end(entry)
      // Only then it is known whether there is an upload.
      await entry.finding
      await entry.ended
      const { uid } = entry.shown
      if (uid === null || state === 'ready' || isShared(entry)) return
      try {
        await deleteUpload(dependencies, uid, undefined)
      } catch (error) {
        if (error instanceof UploadError && error.code === 'UPLOAD_NOT_FOUND') return
        entry.removal = new AbortController()
        list.set([...list.all(), entry])
        list.fail(entry, error)
        throw error
      }
    },
    remove(id) {
      const entry = list.get(id)
      if (entry === null) return
      list.remove(entry)
      end(entry)
    },
    close() {
      list.close()
      closing.abort(new Error('The queue was closed.'))
      for (const entry of list.all()) end(entry)
    },
  }
}

const PAUSABLE: ReadonlySet<string> = new Set(['waiting', 'preparing', 'uploading', 'processing'])

function stop({ running }: Entry): void {
  running?.abort(new Error('The upload was stopped by its queue.'))
}

function end(entry: Entry): void {
  stop(entry)
  entry.removal.abort(new Error('The file was removed from its queue.'))
  entry.prepared?.file.close()
}
