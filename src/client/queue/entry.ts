/** One file of the queue, with its work. */
import type { PreparedUpload } from '../prepare-upload.ts'
import type { ResumableUpload } from '../resume/resume-store.ts'
import type { UploadSource } from '../upload-source.ts'
import type { QueueFileOptions, QueueStatus, QueuedFile, QueuedUpload } from './queued-upload.ts'

/** Changed by the queue only, which then replaces `shown`. */
export interface Entry {
  readonly id: string
  /** Null if the upload was begun before a reload. */
  readonly source: UploadSource | null
  options: QueueFileOptions
  shown: QueuedUpload
  /**
   * `new`: the file has to be prepared. `batch`: a batch prepares it. `ready`: it can run; its upload was minted,
   * or another tab holds its lock.
   */
  step: 'new' | 'batch' | 'ready'
  /** Null until the file is open, after a failure, and if there is no file. */
  prepared: PreparedUpload | null
  /** Aborts when the file is removed or the queue is closed; another one if the file is listed again. */
  removal: AbortController
  /** What was minted, with its key in the resume store; null before. */
  stored: StoredUpload | null
  /** The last step that may find or mint the upload. It settles when `shown` has its uid; null before. */
  finding: Promise<unknown> | null
  /** Stops the upload; null while it does not run. */
  running: AbortController | null
  /** Resolves when the upload does not run any more; null before the first run. */
  ended: Promise<void> | null
}

export interface StoredUpload {
  readonly key: string
  readonly upload: ResumableUpload
}

/** Creates the entry of a file. `id` is also that of `shown`. */
export function createEntry(
  id: string,
  source: UploadSource | null,
  options: QueueFileOptions,
  file: Pick<QueuedFile, 'name' | 'sizeBytes'>,
  status: QueueStatus,
): Entry {
  const shown = {
    id,
    ...file,
    protocol: null,
    reason: null,
    uid: null,
    fraction: 0,
    sentBytes: 0,
    bytesPerSecond: null,
    encodingPercent: null,
    ...status,
  }
  const work = { prepared: null, stored: null, finding: null, running: null, ended: null } as const
  return { id, source, options, shown, step: 'new', removal: new AbortController(), ...work }
}

/** Creates the entry of an upload that was begun before a reload. If all bytes were sent, it needs no file. */
export function restoreEntry(id: string, stored: StoredUpload): Entry {
  const { name, sizeBytes, isSent } = stored.upload
  const state = isSent ? 'processing' : 'needs-file'
  const status = { state, upload: null, error: null } as const
  const entry = createEntry(id, null, {}, { name, sizeBytes }, status)
  return { ...entry, step: 'ready', stored, shown: { ...entry.shown, ...shownOf(stored) } }
}

/** Returns what is known of a stored upload. */
export function shownOf({ upload }: StoredUpload) {
  const { uid, protocol, sizeBytes, isSent, sentBytes: lastSentBytes = 0 } = upload
  const sentBytes = isSent ? sizeBytes : lastSentBytes
  // Sending takes 80 % of the progress.
  return { uid, protocol, sentBytes, fraction: (0.8 * sentBytes) / sizeBytes }
}
