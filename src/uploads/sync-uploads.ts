/**
 * Asks Stream itself, because its notices say little and may be lost: many uploads with one call,
 * those that somebody watches at every round, the others when their time has come.
 */
import { StreamError } from '../stream/errors.ts'
import type { NextCheck } from '../store/store.ts'
import { firstCheck, nextCheck } from './next-check.ts'
import type { Parts } from './parts.ts'
import { recordEvidence } from './record-evidence.ts'
import { SETTLE_AFTER_MS, settleReservation } from './settle-reservation.ts'
import { readOffset } from './read-offset.ts'
import { type Upload, isTerminal } from './upload.ts'

type SyncParts = Pick<Parts, 'stream' | 'store' | 'events' | 'clock' | 'log' | 'watchers'>

/** Uploads that one list call asks after: 33 bytes of URL each. */
const UPLOADS_A_CALL = 100
/** Uploads that one round takes on; the rest stay due. */
const UPLOADS_A_ROUND = 1000
/** Kept notices whose upload never became known, such as those of another application. */
const KEEP_NOTICES_MS = 86_400_000

/** What one round did. */
export interface SyncReport {
  readonly asked: number
  readonly changed: number
  readonly settled: number
}

/** One round. Trouble with Stream is logged and left for the next round. */
export async function syncUploads(parts: SyncParts): Promise<SyncReport> {
  const now = parts.clock.now()
  const due = await parts.store.due(now, UPLOADS_A_ROUND)
  const idleChecks = new Map(due.map((entry) => [entry.upload.uid, entry.idleChecks]))
  const watched = await watchedUploads(parts, idleChecks)
  const uploads = [...due.map(({ upload }) => upload), ...watched]

  let changed = 0
  for (let start = 0; start < uploads.length; start += UPLOADS_A_CALL) {
    const group = uploads.slice(start, start + UPLOADS_A_CALL)
    try {
      changed += await askAfter(parts, group, idleChecks)
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
      parts.log.warn({ kind: error.kind, uploads: group.length }, 'Stream was asked in vain')
      await postpone(parts, group, idleChecks, error.retryAfterSeconds)
    }
  }
  const settled = await settleReservations(parts, now)
  await parts.store.dropNoticesBefore(new Date(now.getTime() - KEEP_NOTICES_MS))
  return { asked: uploads.length, changed, settled }
}

/** Watched uploads that are not due anyway and may still change soon. */
async function watchedUploads(
  { store, watchers }: SyncParts,
  due: ReadonlyMap<string, number>,
): Promise<readonly Upload[]> {
  const uids = [...watchers.watched()].filter((uid) => !due.has(uid)).slice(0, UPLOADS_A_ROUND)
  if (uids.length === 0) return []
  const uploads = await store.findMany(uids)
  return uploads.filter((upload) => !isTerminal(upload.status))
}

/** Returns how many of the group changed. */
async function askAfter(
  parts: SyncParts,
  group: readonly Upload[],
  idleChecks: ReadonlyMap<string, number>,
): Promise<number> {
  const { videos } = await parts.stream.listVideos({ uids: group.map((upload) => upload.uid) })
  const described = new Map(videos.map((video) => [video.uid, video]))
  const idle: NextCheck[] = []
  let changed = 0

  for (const upload of group) {
    // What a list leaves out is asked after by name before it is called gone.
    const video = described.get(upload.uid) ?? (await parts.stream.findVideo(upload.uid))
    const at = parts.clock.now()
    const source = 'SYNC'
    const after = await recordEvidence(
      parts,
      upload.uid,
      video === null ? { kind: 'absent', source, at } : { kind: 'described', source, at, video },
    )
    const latest = after ?? upload
    const moving = parts.watchers.watched().has(upload.uid)
      ? ((await readOffset(parts, latest)) ?? latest)
      : latest
    if (moving.version !== upload.version) changed += 1
    else if (idleChecks.has(upload.uid)) idle.push(idleCheck(upload, idleChecks, at))
  }
  await parts.store.reschedule(idle)
  return changed
}

function idleCheck(upload: Upload, idleChecks: ReadonlyMap<string, number>, at: Date): NextCheck {
  const checks = (idleChecks.get(upload.uid) ?? 0) + 1
  return { uid: upload.uid, checkAt: nextCheck(upload, at, checks), idleChecks: checks }
}

/** Asks again later, and not before Stream wants to be asked. */
async function postpone(
  { store, clock }: SyncParts,
  group: readonly Upload[],
  idleChecks: ReadonlyMap<string, number>,
  retryAfterSeconds: number | null,
): Promise<void> {
  const now = clock.now()
  const earliest = retryAfterSeconds === null ? firstCheck(now) : addSeconds(now, retryAfterSeconds)
  const due = group.filter((upload) => idleChecks.has(upload.uid))
  await store.reschedule(
    due.map((upload) => ({
      uid: upload.uid,
      checkAt: earliest,
      idleChecks: idleChecks.get(upload.uid) ?? 0,
    })),
  )
}

function addSeconds(at: Date, seconds: number): Date {
  return new Date(at.getTime() + seconds * 1000)
}

async function settleReservations(parts: SyncParts, now: Date): Promise<number> {
  const open = await parts.store.unsettled(new Date(now.getTime() - SETTLE_AFTER_MS), 100)
  let settled = 0
  for (const reservation of open) {
    if ((await settleReservation(parts, reservation)) === 'released') settled += 1
  }
  return settled
}
