/** The upload queue of the page: the client's, and why a selection was rejected. */
import {
  type QueueFileOptions,
  type QueuedUpload,
  type UploadClient,
  type UploadQueue,
  createUploadQueue,
} from '../../client/client.ts'
import { type Store, createStore } from '../store.ts'

/** Types that are certainly no video; files of unknown type are left to Stream. */
const NON_VIDEO_TYPE = /^(?:audio|image|text|font)\/|^application\/(?:pdf|zip|json)$/
const MAX_BYTES = 30_000_000_000

/** Settings selected with the files. */
export interface FileSettings {
  /** Null to read the duration from the file. */
  readonly maxDurationSeconds: number | null
  /** False if the connection may break; null to use what the browser reports. */
  readonly reliableConnection: boolean | null
  /** Whether playback requires a signed token. */
  readonly isPrivate: boolean
}

export interface ConsoleQueue extends Pick<
  UploadQueue,
  'pause' | 'resume' | 'cancel' | 'remove' | 'close'
> {
  readonly uploads: Store<readonly QueuedUpload[]>
  /** Why files of the last selection were rejected, a sentence for each; null if none was. */
  readonly rejection: Store<string | null>
  add(files: readonly File[], settings: FileSettings): void
  /** Uploads a failed file again. */
  retry(id: string, settings: FileSettings): void
}

export function createConsoleQueue(client: UploadClient): ConsoleQueue {
  const queue = createUploadQueue(client)
  const rejection = createStore<string | null>(null)
  return {
    uploads: {
      get: () => queue.getSnapshot(),
      subscribe: (listener) => queue.subscribe(listener),
    },
    rejection,
    add(files, settings) {
      const rejections = files.map((file) => rejectionOf(file, queue.getSnapshot()))
      const reasons = rejections.filter((reason) => reason !== null)
      rejection.set(reasons.length === 0 ? null : reasons.join(' '))
      const accepted = files.filter((_file, index) => rejections[index] === null)
      if (accepted.length > 0) queue.add(accepted, optionsFrom(settings))
    },
    retry(id, settings) {
      rejection.set(null)
      queue.retry(id, optionsFrom(settings))
    },
    pause: (id) => queue.pause(id),
    resume: (id) => queue.resume(id),
    cancel: (id) => queue.cancel(id),
    remove: (id) => queue.remove(id),
    close: () => queue.close(),
  }
}

function optionsFrom(settings: FileSettings): QueueFileOptions {
  const { maxDurationSeconds, reliableConnection, isPrivate } = settings
  return {
    maxDurationSeconds: maxDurationSeconds ?? undefined,
    reliableConnection: reliableConnection ?? undefined,
    requireSignedURLs: isPrivate ? true : undefined,
  }
}

/** Returns a sentence that names the file; null for a file that can be added. */
function rejectionOf({ name, size, type }: File, uploads: readonly QueuedUpload[]): string | null {
  if (NON_VIDEO_TYPE.test(type)) return `${name} is not a video.`
  if (size === 0) return `${name} is empty.`
  if (size > MAX_BYTES) return `${name} is larger than 30 GB, the limit of Stream.`
  const isListed = uploads.some(
    (upload) => isActive(upload) && upload.name === name && upload.sizeBytes === size,
  )
  return isListed ? `${name} is already in the list.` : null
}

/** Whether the upload runs, waits or is paused. */
function isActive({ state }: QueuedUpload): boolean {
  return state !== 'ready' && state !== 'failed' && state !== 'needs-file'
}
