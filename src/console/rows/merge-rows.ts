/** Merges local queue items and the gateway's uploads into one row per upload. */
import type { ResumableUpload, Upload } from '../../client/client.ts'
import type { QueueItem } from '../queue/queue-item.ts'
import type { LastProgress } from '../queue/last-progress.ts'
import { type Row, rowFromQueueItem, rowFromUpload } from './row.ts'

/** Filter of the list. */
export type Filter = 'all' | 'active' | 'ready' | 'failed'

/** Statuses that each filter queries. */
export const STATUSES: Readonly<Record<Filter, readonly string[]>> = {
  all: ['PENDING_UPLOAD', 'UPLOADING', 'QUEUED', 'IN_PROGRESS', 'READY', 'ERROR', 'EXPIRED'],
  active: ['PENDING_UPLOAD', 'UPLOADING', 'QUEUED', 'IN_PROGRESS'],
  ready: ['READY'],
  failed: ['ERROR', 'EXPIRED'],
}

/** Returns local queue items first, then the gateway's uploads; both newest first. */
export function mergeRows(
  items: readonly QueueItem[],
  uploads: readonly Upload[],
  resumable: readonly ResumableUpload[],
  lastProgress: Pick<LastProgress, 'get'>,
  filter: Filter,
): readonly Row[] {
  const byUid = new Map(uploads.map((upload) => [upload.uid, upload]))
  const local = items
    .map((item) => {
      const upload = item.uid === null ? null : (byUid.get(item.uid) ?? null)
      return rowFromQueueItem(item, upload)
    })
    .filter(({ upload }) => upload?.status !== 'DELETED')
  const localUids = new Set(items.map(({ uid }) => uid))
  const others = uploads
    .filter(({ uid, status }) => !localUids.has(uid) && status !== 'DELETED')
    .map((upload) => {
      const stored = resumable.find(({ uid }) => uid === upload.uid) ?? null
      return rowFromUpload(upload, stored, lastProgress.get(upload.uid))
    })
  return [...local, ...others].filter((row) => isShown(row, filter))
}

function isShown({ state }: Row, filter: Filter): boolean {
  if (filter === 'all') return true
  if (filter === 'ready') return state === 'ready'
  const hasFailed = state === 'failed' || state === 'expired'
  return filter === 'failed' ? hasFailed : !hasFailed && state !== 'ready'
}
