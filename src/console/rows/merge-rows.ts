/** Merges local queue items and the gateway's uploads into one row per upload. */
import type { QueuedUpload, Upload, UploadStatus } from '../../client/client.ts'
import { type Row, rowFromQueue, rowFromUpload } from './row.ts'

/** Filter of the list. */
export type Filter = 'all' | 'active' | 'ready' | 'failed'

/** Statuses that each filter queries. */
export const STATUSES: Readonly<Record<Filter, readonly UploadStatus[]>> = {
  all: ['PENDING_UPLOAD', 'UPLOADING', 'QUEUED', 'IN_PROGRESS', 'READY', 'ERROR', 'EXPIRED'],
  active: ['PENDING_UPLOAD', 'UPLOADING', 'QUEUED', 'IN_PROGRESS'],
  ready: ['READY'],
  failed: ['ERROR', 'EXPIRED'],
}

/** Returns the files of the queue first, then the gateway's other uploads; both newest first. */
export function mergeRows(
  queued: readonly QueuedUpload[],
  uploads: readonly Upload[],
  filter: Filter,
): readonly Row[] {
  const byUid = new Map(uploads.map((upload) => [upload.uid, upload]))
  const interrupted = queued.filter(({ state }) => state === 'needs-file')
  const items = queued.filter(({ state }) => state !== 'needs-file')
  const local = items
    .toReversed()
    .filter(({ error }) => error?.code !== 'DELETED')
    .map((item) => rowFromQueue(item, item.uid === null ? null : (byUid.get(item.uid) ?? null)))
    .filter(({ upload }) => upload?.status !== 'DELETED')
  const localUids = new Set(items.map(({ uid }) => uid))
  const others = uploads
    .filter(({ uid, status }) => !localUids.has(uid) && status !== 'DELETED')
    .map((upload) => {
      const begun = interrupted.find(({ uid }) => uid === upload.uid) ?? null
      return rowFromUpload(upload, begun)
    })
  return [...local, ...others].filter((row) => isShown(row, filter))
}

function isShown({ state }: Row, filter: Filter): boolean {
  if (filter === 'all') return true
  if (filter === 'ready') return state === 'ready'
  const hasFailed = state === 'failed' || state === 'expired'
  return filter === 'failed' ? hasFailed : !hasFailed && state !== 'ready'
}
