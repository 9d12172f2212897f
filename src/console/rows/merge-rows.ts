/** Puts the files of this page and the gateway's list together, so that each upload is one row. */
import type { RememberedUpload, Upload } from '../../client/client.ts'
import type { Journey } from '../queue/queue-item.ts'
import type { LastSeen } from '../queue/last-progress.ts'
import { type Row, rowOfJourney, rowOfUpload } from './row.ts'

/** Which rows are shown. */
export type Filter = 'all' | 'under-way' | 'ready' | 'failed'

/** What each filter asks the gateway for. */
export const STATUSES: Readonly<Record<Filter, readonly string[]>> = {
  all: ['PENDING_UPLOAD', 'UPLOADING', 'QUEUED', 'IN_PROGRESS', 'READY', 'ERROR', 'EXPIRED'],
  'under-way': ['PENDING_UPLOAD', 'UPLOADING', 'QUEUED', 'IN_PROGRESS'],
  ready: ['READY'],
  failed: ['ERROR', 'EXPIRED'],
}

/** Files of this page first, then the gateway's uploads; both newest first. */
export function joinRows(
  journeys: readonly Journey[],
  uploads: readonly Upload[],
  remembered: readonly RememberedUpload[],
  lastSeen: Pick<LastSeen, 'get'>,
  filter: Filter,
): readonly Row[] {
  const byUid = new Map(uploads.map((upload) => [upload.uid, upload]))
  const local = journeys
    .map((journey) => {
      const upload = journey.uid === null ? null : (byUid.get(journey.uid) ?? null)
      return rowOfJourney(journey, upload)
    })
    .filter(({ upload }) => upload?.status !== 'DELETED')
  const taken = new Set(journeys.map(({ uid }) => uid))
  const others = uploads
    .filter(({ uid, status }) => !taken.has(uid) && status !== 'DELETED')
    .map((upload) => {
      const known = remembered.find(({ uid }) => uid === upload.uid) ?? null
      return rowOfUpload(upload, known, lastSeen.get(upload.uid))
    })
  return [...local, ...others].filter((row) => isShown(row, filter))
}

function isShown({ state }: Row, filter: Filter): boolean {
  if (filter === 'all') return true
  if (filter === 'ready') return state === 'ready'
  const isOver = state === 'failed' || state === 'expired'
  return filter === 'failed' ? isOver : !isOver && state !== 'ready'
}
