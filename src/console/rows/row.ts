/** A row of the list: an upload of the gateway, a local queue item, or both. */
import type { QueueState, QueuedUpload, Upload, UploadProtocol } from '../../client/client.ts'
import { type Failure, failureMessageOf, videoFailureMessage } from '../queue/failure-messages.ts'

export type RowState =
  | 'waiting'
  | 'preparing'
  | 'uploading'
  | 'paused'
  /** Started on this device before a reload: the file must be selected again. */
  | 'interrupted'
  /** Started on another device. */
  | 'other-device'
  | 'queued'
  | 'encoding'
  | 'ready'
  | 'failed'
  | 'expired'

export interface Row {
  /** Stable while the page is open, so that the focus is kept. */
  readonly key: string
  readonly name: string
  /** Name of the file with which this device can resume the upload; null if it cannot. */
  readonly fileName: string | null
  readonly state: RowState
  readonly sizeBytes: number | null
  readonly protocol: UploadProtocol | null
  /** Reason for the protocol; null if it was not chosen on this page. */
  readonly reason: string | null
  readonly uid: string | null
  readonly sentBytes: number | null
  readonly bytesPerSecond: number | null
  readonly encodingPercent: number | null
  /** From 0 to 1; null if unknown. */
  readonly fraction: number | null
  readonly failure: Failure | null
  /** Seconds of storage that are reserved; null before it is minted. */
  readonly reservedSeconds: number | null
  /** The file in this page's queue; null if it was not added on this page. */
  readonly item: QueuedUpload | null
  /** What this device began before a reload; null otherwise. */
  readonly interrupted: QueuedUpload | null
  readonly upload: Upload | null
}

const LOCAL: Readonly<Record<QueueState, RowState>> = {
  waiting: 'waiting',
  preparing: 'preparing',
  uploading: 'uploading',
  paused: 'paused',
  processing: 'queued',
  ready: 'ready',
  failed: 'failed',
  'needs-file': 'interrupted',
}

/** @param upload state at the gateway; null if none was received yet */
export function rowFromQueue(item: QueuedUpload, upload: Upload | null): Row {
  const known = upload ?? item.upload
  const maxDurationSeconds = known?.constraints.maxDurationSeconds ?? null
  return {
    ...item,
    key: item.id,
    name: upload?.name ?? item.name ?? 'Video',
    fileName: item.name,
    state: stateOfItem(item, upload),
    failure:
      item.error === null ? failureOf(upload) : failureMessageOf(item.error, maxDurationSeconds),
    reservedSeconds: maxDurationSeconds,
    item,
    interrupted: null,
    upload: known,
  }
}

function stateOfItem({ state, encodingPercent }: QueuedUpload, upload: Upload | null): RowState {
  // The gateway and the client report READY independently; the first one counts.
  if (upload?.status === 'READY') return 'ready'
  if (state === 'processing' && encodingPercent !== null) return 'encoding'
  return LOCAL[state]
}

/** @param interrupted what this device began before a reload; null for an upload of another device */
export function rowFromUpload(upload: Upload, interrupted: QueuedUpload | null): Row {
  const { uid, protocol, progress, constraints } = upload
  const sizeBytes = upload.video?.sizeBytes ?? progress.totalBytes ?? interrupted?.sizeBytes ?? null
  const receivedBytes = progress.receivedBytes ?? interrupted?.sentBytes ?? null
  return {
    key: uid,
    name: upload.name ?? `Video ${uid.slice(0, 8)}`,
    fileName: interrupted?.name ?? null,
    state: stateOfUpload(upload, interrupted),
    sizeBytes,
    protocol,
    reason: null,
    uid,
    sentBytes: receivedBytes,
    bytesPerSecond: null,
    encodingPercent: progress.encodingPercent,
    fraction: fractionOf(upload, receivedBytes, sizeBytes),
    failure: failureOf(upload),
    reservedSeconds: constraints.maxDurationSeconds,
    item: null,
    interrupted,
    upload,
  }
}

function stateOfUpload({ status }: Upload, interrupted: QueuedUpload | null): RowState {
  switch (status) {
    case 'PENDING_UPLOAD':
    case 'UPLOADING':
      return interrupted === null ? 'other-device' : 'interrupted'
    case 'QUEUED':
      return 'queued'
    case 'IN_PROGRESS':
      return 'encoding'
    case 'READY':
      return 'ready'
    case 'ERROR':
      return 'failed'
    case 'EXPIRED':
    case 'DELETED':
      return 'expired'
  }
}

/** Same shares as in the client: sending counts 80 %, encoding 20 %. */
function fractionOf(
  { status, progress: { encodingPercent } }: Upload,
  receivedBytes: number | null,
  sizeBytes: number | null,
): number | null {
  if (status === 'QUEUED') return 0.8
  if (status === 'IN_PROGRESS') return 0.8 + (0.2 * (encodingPercent ?? 0)) / 100
  if (receivedBytes === null || sizeBytes === null) return null
  return (0.8 * receivedBytes) / sizeBytes
}

function failureOf(upload: Upload | null): Failure | null {
  if (upload === null || upload.failure === null) return null
  return videoFailureMessage(upload.failure, upload.constraints.maxDurationSeconds)
}
