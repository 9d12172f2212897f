/** Prepares and runs the files of a queue, as many at a time as it allows. */
import type { ClientDependencies } from '../dependencies.ts'
import { MAX_BATCH } from '../gateway/mint-upload.ts'
import type { Upload } from '../gateway/upload.ts'
import { type UploadProgress, createProgressReporter } from '../progress.ts'
import type { Ready } from '../ready-upload.ts'
import { finishSent } from '../run-upload.ts'
import { uploadPrepared } from '../upload-file.ts'
import { type Entry, shownOf } from './entry.ts'
import { type BatchHost, prepareBatch } from './prepare-batch.ts'
import type { QueueList } from './queue-list.ts'
import { stateOf, withProgress } from './queued-upload.ts'
import { createTransferRate } from './transfer-rate.ts'

/** Minimum interval in milliseconds between updates of a file that is sent. */
const UPDATE_INTERVAL_MS = 100

export interface Scheduler {
  /** Starts what can run, after all calls of this tick: files that are added in one tick are one batch. */
  start(): void
}

/**
 * @param restored resolves when the uploads from before a reload are listed
 * @param signal closes the queue
 */
export function createScheduler(
  dependencies: ClientDependencies,
  list: QueueList,
  concurrency: number,
  restored: () => Promise<void>,
  signal: AbortSignal,
): Scheduler {
  let isStarting = false
  let isBatching = false
  let runningCount = 0

  function start(): void {
    if (isStarting) return
    isStarting = true
    queueMicrotask(() => {
      isStarting = false
      if (!signal.aborted) startDue()
    })
  }

  // A listener may change any file whenever one is shown: each is checked again before it is started.
  function startDue(): void {
    for (const entry of list.all()) {
      if (runningCount >= concurrency) return
      if (list.has(entry) && isDue(entry)) run(entry)
    }
    const unprepared = list.all().filter(isUnprepared)
    if (!isBatching && unprepared.length > 0) void runBatch(unprepared.slice(0, MAX_BATCH))
  }

  async function runBatch(batch: readonly Entry[]): Promise<void> {
    isBatching = true
    for (const entry of batch) {
      if (!list.has(entry) || !isUnprepared(entry)) continue
      entry.step = 'batch'
      list.showState(entry, 'preparing')
    }
    await restored()
    await prepareBatch(dependencies, batch.filter(host.isWanted), host, signal)
    isBatching = false
    for (const entry of batch.filter(({ removal }) => removal.signal.aborted))
      entry.prepared?.file.close()
    // Those that were paused meanwhile, and perhaps resumed.
    for (const entry of batch.filter(({ step }) => step === 'batch')) {
      entry.step = 'new'
      if (entry.shown.state === 'preparing') list.showState(entry, 'waiting')
    }
    start()
  }

  const host: BatchHost = {
    isWanted: (entry) => !signal.aborted && list.has(entry) && entry.shown.state === 'preparing',
    takeOver({ key, fileDigest, input }) {
      const begun = list.all().filter(({ shown }) => shown.state === 'needs-file')
      const found =
        begun.find(({ stored }) => stored?.key === key) ??
        begun.find(
          ({ stored }) =>
            stored?.upload.fileDigest === fileDigest &&
            // What is to be private must not go on as a public video.
            (input.requireSignedURLs !== true || stored.upload.requireSignedURLs === true),
        )
      if (found === undefined) return null
      list.remove(found)
      return found.stored
    },
    ready(entry, prepared, stored, upload) {
      entry.prepared = prepared
      entry.step = 'ready'
      entry.stored = stored
      const state = entry.shown.state === 'paused' ? 'paused' : 'waiting'
      const known = stored === null ? {} : shownOf(stored)
      // The length of a path or a FileHandle was not known before.
      const file = { name: prepared.input.name ?? null, sizeBytes: prepared.file.size }
      list.show(entry, { ...entry.shown, ...file, ...known, state, upload, error: null })
      start()
    },
    failed(entry, error) {
      list.fail(entry, error)
    },
  }

  function run(entry: Entry): void {
    const controller = new AbortController()
    entry.running = controller
    runningCount += 1
    entry.ended = runToEnd(entry, controller.signal)
  }

  async function runToEnd(entry: Entry, stopped: AbortSignal): Promise<void> {
    if (entry.shown.state === 'waiting') list.showState(entry, 'preparing')
    try {
      const upload = await send(entry, stopped)
      entry.prepared?.file.close()
      const shown = { ...entry.shown, bytesPerSecond: null, fraction: 1 }
      list.show(entry, { ...shown, state: 'ready', upload, error: null })
    } catch (error) {
      if (!stopped.aborted) list.fail(entry, error)
    }
    entry.running = null
    runningCount -= 1
    start()
  }

  function send(entry: Entry, stopped: AbortSignal): Promise<Ready<Upload>> {
    const { prepared, stored } = entry
    const onProgress = progressListener(entry, stopped)
    if (prepared !== null)
      return uploadPrepared(dependencies, prepared, { signal: stopped, onProgress })
    if (stored === null) throw new Error('A queued upload has neither a file nor a stored upload.')
    const { protocol, sizeBytes, uid } = stored.upload
    const choice = { protocol, reason: 'The file was sent before.' }
    const progress = createProgressReporter(sizeBytes, choice, onProgress)
    return finishSent(dependencies, stored.key, uid, progress, stopped)
  }

  function progressListener(entry: Entry, stopped: AbortSignal) {
    const rate = createTransferRate()
    let shownAt = 0
    let lastPhase: string | null = null
    return (progress: UploadProgress): void => {
      const { phase, sentBytes } = progress
      const state = stateOf(progress)
      // The result of the upload tells that it is READY.
      if (stopped.aborted || state === null) return
      const now = dependencies.clock.now().getTime()
      const bytesPerSecond = phase === 'uploading' ? rate.see(sentBytes, now) : null
      const isNew = phase !== lastPhase || phase !== 'uploading'
      if (!isNew && now - shownAt < UPDATE_INTERVAL_MS) return
      shownAt = now
      lastPhase = phase
      const upload = progress.upload ?? entry.shown.upload
      const file = withProgress(entry.shown, progress, bytesPerSecond)
      list.show(entry, { ...file, state, upload, error: null })
    }
  }

  return { start }
}

/** Whether the upload waits for a slot: to be sent, or to be watched after it was sent before a reload. */
function isDue({ step, running, shown: { state } }: Entry): boolean {
  return step === 'ready' && running === null && (state === 'waiting' || state === 'processing')
}

function isUnprepared({ step, running, shown: { state } }: Entry): boolean {
  return step === 'new' && running === null && state === 'waiting'
}
