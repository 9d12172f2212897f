/** Columns that each new version of an upload updates, in every adapter, and their values. */
import type { UploadChange } from '../uploads/ports/upload-store.ts'

export const updatedColumns = [
  'status',
  'version',
  'updatedAt',
  'totalBytes',
  'receivedBytes',
  'encodingPercent',
  'failureCode',
  'failureMessage',
  'received',
  'durationSeconds',
  'width',
  'height',
  'sizeBytes',
  'hlsURL',
  'dashURL',
  'thumbnailURL',
  'previewURL',
  'readyAt',
  'describedAt',
  'goneAt',
  'deletedAt',
  'seenStatus',
  'reservedSeconds',
  'storedSeconds',
  'checkAt',
] as const

/** Returns the values of these columns. Adapters convert dates and flags to their own types. */
export function updatedValues({ upload, quotaUsage, pollAt }: UploadChange) {
  const { progress, failure, video } = upload
  return {
    status: upload.status,
    version: upload.version,
    updatedAt: upload.updatedAt,
    ...progress,
    failureCode: failure?.code ?? null,
    failureMessage: failure?.message ?? null,
    received: video !== null,
    durationSeconds: video?.durationSeconds ?? null,
    width: video?.width ?? null,
    height: video?.height ?? null,
    sizeBytes: video?.sizeBytes ?? null,
    hlsURL: video?.hlsURL ?? null,
    dashURL: video?.dashURL ?? null,
    thumbnailURL: video?.thumbnailURL ?? null,
    previewURL: video?.previewURL ?? null,
    readyAt: video?.readyAt ?? null,
    describedAt: upload.describedAt,
    goneAt: upload.goneAt,
    deletedAt: upload.deletedAt,
    seenStatus: upload.status === 'DELETED' ? upload.seenStatus : null,
    ...quotaUsage,
    checkAt: pollAt,
  } satisfies Record<(typeof updatedColumns)[number], unknown>
}
