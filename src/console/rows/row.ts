/** One line of the list: an upload of the gateway, a file of this page, or both in one. */
import type { RememberedUpload, Upload, UploadProtocol } from '../../client/client.ts'
import { videoFailure } from '../queue/failure-messages.ts'
import type { Failure, Journey, JourneyState } from '../queue/queue-item.ts'

export type RowState =
  | 'waiting'
  | 'preparing'
  | 'uploading'
  | 'paused'
  /** Begun on this device, before a reload: the file has to be chosen again. */
  | 'interrupted'
  /** Begun somewhere else. */
  | 'elsewhere'
  | 'queued'
  | 'encoding'
  | 'ready'
  | 'failed'
  | 'expired'

export interface Row {
  /** The same for as long as the page lives, so that the focus stays where it is. */
  readonly key: string
  readonly name: string
  readonly state: RowState
  readonly sizeBytes: number | null
  readonly protocol: UploadProtocol | null
  /** Why this protocol; null where it was not chosen here. */
  readonly reason: string | null
  readonly uid: string | null
  readonly sentBytes: number | null
  readonly bytesPerSecond: number | null
  readonly encodingPercent: number | null
  /** From 0 to 1; null where nobody knows. */
  readonly fraction: number | null
  readonly failure: Failure | null
  /** Seconds that are held back for it; null where it is not minted. */
  readonly reservedSeconds: number | null
  readonly journey: Journey | null
  readonly upload: Upload | null
}

const LOCAL: Readonly<Record<JourneyState, RowState>> = {
  waiting: 'waiting',
  preparing: 'preparing',
  uploading: 'uploading',
  paused: 'paused',
  processing: 'queued',
  ready: 'ready',
  failed: 'failed',
}

/** @param upload what the gateway shows of it; null where that has not come yet */
export function rowOfJourney(journey: Journey, upload: Upload | null): Row {
  const { file } = journey
  return {
    ...journey,
    name: upload?.name ?? file.name,
    state: stateOfJourney(journey, upload),
    sizeBytes: file.size,
    failure: journey.failure ?? failureOf(upload),
    reservedSeconds: upload?.constraints.maxDurationSeconds ?? null,
    journey,
    upload,
  }
}

function stateOfJourney({ state, encodingPercent }: Journey, upload: Upload | null): RowState {
  // Whoever hears of the end first.
  if (upload?.status === 'READY') return 'ready'
  if (state === 'processing' && encodingPercent !== null) return 'encoding'
  return LOCAL[state]
}

/**
 * @param remembered what this device knows of it; null where it was begun elsewhere
 * @param seenBytes how far this device saw it come; null where it did not
 */
export function rowOfUpload(
  upload: Upload,
  remembered: RememberedUpload | null,
  seenBytes: number | null,
): Row {
  const { uid, protocol, progress, constraints } = upload
  const sizeBytes = upload.video?.sizeBytes ?? progress.totalBytes ?? remembered?.sizeBytes ?? null
  const receivedBytes = progress.receivedBytes ?? (remembered === null ? null : seenBytes)
  return {
    key: uid,
    name: upload.name ?? `Video ${uid.slice(0, 8)}`,
    state: stateOfUpload(upload, remembered),
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
    journey: null,
    upload,
  }
}

function stateOfUpload({ status }: Upload, remembered: RememberedUpload | null): RowState {
  switch (status) {
    case 'PENDING_UPLOAD':
    case 'UPLOADING':
      if (remembered?.isSent === true) return 'queued'
      return remembered === null ? 'elsewhere' : 'interrupted'
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

/** As the client counts: sending is most of it, encoding the rest. */
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
  return videoFailure(upload.failure, upload.constraints.maxDurationSeconds)
}
