/** One selected file in the upload queue. */
import type { UploadProgress, UploadProtocol } from '../../client/client.ts'

/** State of a queue item. */
export type QueueItemState =
  /** Waits for a slot of the semaphore. */
  'waiting' | 'preparing' | 'uploading' | 'paused' | 'processing' | 'ready' | 'failed'

/** Error message and hint. */
export interface Failure {
  readonly message: string
  readonly advice: string | null
}

export interface QueueItem {
  /** Row key, constant over all states. */
  readonly key: string
  readonly file: File
  readonly state: QueueItemState
  /** Null until the protocol is chosen. */
  readonly protocol: UploadProtocol | null
  /** Reason for the protocol, as display text. */
  readonly reason: string | null
  /** Null until the upload is minted. */
  readonly uid: string | null
  readonly sentBytes: number
  /** Null if unknown. */
  readonly bytesPerSecond: number | null
  readonly encodingPercent: number | null
  /** From 0 to 1 over sending and encoding. */
  readonly fraction: number
  readonly failure: Failure | null
  readonly settings: QueueItemSettings
}

/** Settings selected with the file. */
export interface QueueItemSettings {
  /** Null to read the duration from the file. */
  readonly maxDurationSeconds: number | null
  /** False if the connection may break; null to use what the browser reports. */
  readonly reliableConnection: boolean | null
  /** Whether playback requires a signed token. */
  readonly isPrivate: boolean
}

export function createQueueItem(key: string, file: File, settings: QueueItemSettings): QueueItem {
  return {
    key,
    file,
    state: 'waiting',
    protocol: null,
    reason: null,
    uid: null,
    sentBytes: 0,
    bytesPerSecond: null,
    encodingPercent: null,
    fraction: 0,
    failure: null,
    settings,
  }
}

/** Whether the item is not terminal; a paused item is active. */
export function isActive({ state }: QueueItem): boolean {
  return state !== 'ready' && state !== 'failed'
}

const STATES: Readonly<Record<UploadProgress['phase'], QueueItemState>> = {
  minting: 'preparing',
  uploading: 'uploading',
  processing: 'processing',
  ready: 'ready',
}

export function withProgress(
  item: QueueItem,
  { phase, protocol, reason, sentBytes, encodingPercent, fraction, upload }: UploadProgress,
  bytesPerSecond: number | null,
): Partial<QueueItem> {
  const uid = upload?.uid ?? null
  // A tus upload resumes: keep the shown progress until Stream's offset is known.
  const isResuming =
    protocol === 'TUS' && phase === 'uploading' && sentBytes === 0 && uid === item.uid
  return {
    state: STATES[phase],
    protocol,
    reason,
    uid: uid ?? item.uid,
    sentBytes: isResuming ? item.sentBytes : sentBytes,
    bytesPerSecond,
    encodingPercent,
    fraction: isResuming ? item.fraction : fraction,
  }
}
