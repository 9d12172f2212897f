/** The upload queue: Uppy runs it, and this adds the state of each file. */
import Uppy, { type Body, type Meta } from '@uppy/core'
import { UploadError, type UploadClient, type UploadProgress } from '../../client/client.ts'
import type { CallerLimits } from '../data/documents.ts'
import { type Store, createStore } from '../store.ts'
import { failureMessageOf } from './failure-messages.ts'
import { HeadgateUploader } from './uppy-uploader.ts'
import {
  type QueueItem,
  type QueueItemSettings,
  createQueueItem,
  withProgress,
} from './queue-item.ts'
import { type TransferRate, createTransferRate } from '../../client/queue/transfer-rate.ts'
import { type LastProgress, createLastProgress } from './last-progress.ts'
import { uploadSettingsFor } from './upload-settings.ts'

/** Types that are certainly no video; files of unknown type are left to Stream. */
const NON_VIDEO_TYPE = /^(?:audio|image|text|font)\/|^application\/(?:pdf|zip|json)$/
const MAX_BYTES = 30_000_000_000

/** Minimum interval between progress updates in milliseconds. */
const UPDATE_INTERVAL_MS = 100

export interface UploadQueue {
  /** Queue items, newest first. */
  readonly items: Store<readonly QueueItem[]>
  /** Reason why the last selection was rejected; null otherwise. */
  readonly rejection: Store<string | null>
  /** Sent bytes from before a reload. */
  readonly lastProgress: LastProgress
  add(files: readonly File[], settings: QueueItemSettings): void
  pause(item: QueueItem): void
  resume(item: QueueItem): void
  /** Uploads a failed file again from the start. */
  retry(item: QueueItem, settings: QueueItemSettings): void
  /** Removes the item. The caller deletes its upload by the client. */
  remove(item: QueueItem): void
  /** Stops all uploads; they can be resumed with the same files. */
  close(): void
}

/** Uppy's metadata of each file. */
interface FileMeta extends Meta {
  readonly key?: string
}

const noop = (): void => {}

/** @param readLimits reads the caller's limits from the gateway; null if it does not respond */
export function createUploadQueue(
  client: UploadClient,
  readLimits: () => Promise<CallerLimits | null>,
): UploadQueue {
  const items = createStore<readonly QueueItem[]>([])
  const rejection = createStore<string | null>(null)
  const lastProgress = createLastProgress()
  let count = 0

  const uppy = new Uppy<FileMeta, Body>({
    autoProceed: true,
    restrictions: { maxFileSize: MAX_BYTES, minFileSize: 1 },
    // Errors are shown on the page.
    logger: { debug: noop, warn: noop, error: noop },
  })
  uppy.setOptions({
    locale: {
      strings: {
        exceedsSize: '%{file} is larger than 30 GB, the limit of Stream.',
        inferiorSize: 'The file is empty.',
        noDuplicates: '%{fileName} is already in the list.',
      },
    },
  })
  uppy.use(HeadgateUploader<FileMeta, Body>, { send })
  uppy.on('restriction-failed', (_file, error) => rejection.set(error.message))

  function update(key: string, change: Partial<QueueItem>): void {
    const all = items.get()
    const at = all.findIndex((item) => item.key === key)
    const before = all[at]
    if (before !== undefined) items.set(all.with(at, { ...before, ...change }))
  }

  function removeItem(key: string): void {
    items.set(items.get().filter((item) => item.key !== key))
  }

  function itemOf(fileId: string): QueueItem {
    const key = uppy.getFile(fileId).meta.key
    const found = items.get().find((item) => item.key === key)
    if (found === undefined) throw new Error('Uppy uploads an unknown file.')
    return found
  }

  async function send(
    fileId: string,
    signal: AbortSignal,
    onProgress: (progress: UploadProgress) => void,
  ): Promise<void> {
    const { key, file, settings } = itemOf(fileId)
    update(key, { state: 'preparing' })
    let maxDurationSeconds: number | null = null
    try {
      const outcome = await uploadSettingsFor(client, file, settings, await readLimits())
      if (outcome.kind === 'rejected') {
        update(key, { state: 'failed', failure: outcome.failure })
        throw new LimitExceeded(outcome.failure.message)
      }
      const chosen = outcome.settings
      maxDurationSeconds = chosen.maxDurationSeconds ?? null
      const updateItem = progressHandlerFor(key, createTransferRate())
      await client.upload(file, {
        ...chosen,
        signal,
        onProgress(progress) {
          updateItem(progress)
          onProgress(progress)
        },
      })
      update(key, { state: 'ready', fraction: 1, bytesPerSecond: null })
    } catch (error) {
      if (isDeletion(error)) removeItem(key)
      else if (!signal.aborted && !(error instanceof LimitExceeded)) {
        const failure = failureMessageOf(error, maxDurationSeconds)
        update(key, { state: 'failed', failure, bytesPerSecond: null })
      }
      throw error
    }
  }

  function progressHandlerFor(
    key: string,
    transferRate: TransferRate,
  ): (progress: UploadProgress) => void {
    let updatedAt = 0
    let phase: string | null = null
    return (progress) => {
      const now = Date.now()
      const bytesPerSecond =
        progress.phase === 'uploading' ? transferRate.see(progress.sentBytes, now) : null
      const isNewPhase = progress.phase !== phase || progress.phase !== 'uploading'
      if (!isNewPhase && now - updatedAt < UPDATE_INTERVAL_MS) return
      updatedAt = now
      phase = progress.phase
      const item = items.get().find((candidate) => candidate.key === key)
      if (item === undefined || item.state === 'paused') return
      update(key, withProgress(item, progress, bytesPerSecond))
      const uid = progress.upload?.uid
      if (uid === undefined) return
      if (progress.phase === 'uploading') lastProgress.record(uid, progress.sentBytes)
      else lastProgress.delete(uid)
    }
  }

  function fileIdOf({ key }: QueueItem): string | null {
    return uppy.getFiles().find(({ meta }) => meta.key === key)?.id ?? null
  }

  function enqueue(key: string, file: File, settings: QueueItemSettings): void {
    const { name, type } = file
    const others = items.get().filter((item) => item.key !== key)
    if (NON_VIDEO_TYPE.test(type)) {
      rejection.set(`${name} is not a video.`)
      return
    }
    try {
      // Before `addFile`, which starts the upload immediately.
      items.set([createQueueItem(key, file, settings), ...others])
      uppy.addFile({ name, type, data: file, meta: { key } })
    } catch (error) {
      items.set(others)
      rejection.set(error instanceof Error ? error.message : 'The file was rejected.')
    }
  }

  return {
    items,
    rejection,
    lastProgress,
    add(files, settings) {
      rejection.set(null)
      for (const file of files) enqueue(`file-${(count += 1)}`, file, settings)
    },
    pause(item) {
      const fileId = fileIdOf(item)
      if (fileId === null || item.state === 'paused') return
      update(item.key, { state: 'paused', bytesPerSecond: null })
      uppy.pauseResume(fileId)
    },
    resume(item) {
      const fileId = fileIdOf(item)
      if (fileId === null || item.state !== 'paused') return
      update(item.key, { state: 'waiting' })
      uppy.pauseResume(fileId)
    },
    retry({ key, file }, settings) {
      rejection.set(null)
      enqueue(key, file, settings)
    },
    remove(item) {
      const fileId = fileIdOf(item)
      removeItem(item.key)
      if (fileId !== null) uppy.removeFile(fileId)
    },
    close() {
      uppy.destroy()
      items.set([])
    },
  }
}

/** Ends the upload of a file whose failure is shown already. */
class LimitExceeded extends Error {
  override readonly name = 'LimitExceeded'
}

function isDeletion(error: unknown): boolean {
  return error instanceof UploadError && error.code === 'DELETED'
}
