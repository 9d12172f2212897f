/** Public state of one file in an upload queue. */
import type { Upload, UploadProtocol } from '../gateway/upload.ts'
import type { UploadProgress } from '../progress.ts'
import type { Ready } from '../ready-upload.ts'
import type { UploadError } from '../upload-error.ts'
import type { UploadOptions } from '../upload-options.ts'

/** Settings and options of one file. */
export type QueueFileOptions = Omit<UploadOptions, 'onProgress' | 'signal'>

/** What is known of the file in every state. */
export interface QueuedFile {
  /** Identifies the file in this queue, for as long as it is listed. */
  readonly id: string
  /** Name of the video; null if the file has none. */
  readonly name: string | null
  readonly sizeBytes: number
  /** Null until it is chosen. */
  readonly protocol: UploadProtocol | null
  /** Reason for the protocol, as display text; null until it is chosen, and after a reload. */
  readonly reason: string | null
  /** Stream's identifier of the video; null until the upload is minted. */
  readonly uid: string | null
  /** From 0 to 1; sending takes 80 %, encoding 20 %. */
  readonly fraction: number
  readonly sentBytes: number
  /** Speed over the last seconds; null while nothing is sent, and in the first half second. */
  readonly bytesPerSecond: number | null
  /** 0 to 100; null before the encoding starts. */
  readonly encodingPercent: number | null
}

/** A state in which the upload goes on, or waits to do so. */
export type ActiveState =
  /** Starts when another upload ends. */
  | 'waiting'
  /** The file is checked and its upload is minted. */
  | 'preparing'
  | 'uploading'
  /** Stopped by `pause`. Nothing is sent until `resume`. */
  | 'paused'
  /** All bytes were sent, and Stream processes the video. */
  | 'processing'
  /** Begun before a reload: `add` the same file, and the upload resumes. */
  | 'needs-file'

/** The part that depends on the state. `upload` is the last known one, null before. */
export type QueueStatus =
  | { readonly state: ActiveState; readonly upload: Upload | null; readonly error: null }
  | { readonly state: 'ready'; readonly upload: Ready<Upload>; readonly error: null }
  | { readonly state: 'failed'; readonly upload: Upload | null; readonly error: UploadError }

/** One file of the queue. It is replaced, not changed, by each update. */
export type QueuedUpload = QueuedFile & QueueStatus

export type QueueState = QueuedUpload['state']

const STATES = {
  minting: 'preparing',
  uploading: 'uploading',
  processing: 'processing',
} as const satisfies Record<string, ActiveState>

/** Returns the state that a running upload has by its progress; null when it is READY, which its result tells. */
export function stateOf({ phase }: UploadProgress): ActiveState | null {
  return phase === 'ready' ? null : STATES[phase]
}

/** Returns the file after a progress event. */
export function withProgress(
  file: QueuedFile,
  { phase, protocol, reason, sentBytes, encodingPercent, fraction, upload }: UploadProgress,
  bytesPerSecond: number | null,
): QueuedFile {
  const uid = upload?.uid ?? file.uid
  // A tus upload resumes: what was shown stays until Stream's offset is known.
  const isResuming =
    protocol === 'TUS' && phase !== 'processing' && sentBytes === 0 && uid === file.uid
  return {
    ...file,
    protocol,
    reason,
    uid,
    sentBytes: isResuming ? file.sentBytes : sentBytes,
    fraction: isResuming ? file.fraction : fraction,
    bytesPerSecond,
    encodingPercent,
  }
}
