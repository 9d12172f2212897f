/** Polls Stream for a group of uploads with one list request, confirms missing ones, and records the results. */
import type { ScheduledPoll } from '../ports/upload-store.ts'
import type { StreamVideo } from '../ports/stream-api.ts'
import { StreamError } from '../ports/stream-error.ts'
import { StoreUnavailable } from '../ports/store-unavailable.ts'
import {
  MISSING_POLL_INTERVAL_MS,
  type MissingUploads,
  type PolledUpload,
  CONSISTENT_AFTER_MS,
} from './missing-uploads.ts'
import { nextPollAt } from '../status/poll-schedule.ts'
import type { Dependencies } from '../dependencies.ts'
import { recordObservation } from '../status/record-observation.ts'
import type { Observation } from '../status/state-machine.ts'
import type { Upload } from '../upload.ts'

/** Uploads per list request: each uid takes 33 bytes of the URL, whose length is limited. */
export const UPLOADS_PER_CALL = 200
/** Uploads compared with Stream in one tick: with a meta of 4 kB, each takes a millisecond. */
const UPLOADS_PER_TICK = 10
/** Maximum single-video requests per group, which confirm that uploads are missing. Other uploads are postponed. */
const CONFIRMATIONS_PER_CALL = 10
/** Milliseconds by which each batch of confirmations is postponed after the previous one. */
const POSTPONE_PER_BATCH_MS = 5000

type PollDependencies = Pick<
  Dependencies,
  'stream' | 'store' | 'callbacks' | 'pubsub' | 'clock' | 'log' | 'telemetry'
> & {
  readonly missingUploads: MissingUploads
}

/** Stream's description; null if the video does not exist; `unknown` if the request failed or proves nothing yet. */
type PollResult = StreamVideo | null | 'unknown'

/**
 * Polls Stream for a group of uploads and returns how many changed. Throws StreamError if the list request
 * fails or the gateway is rate-limited, and StoreUnavailable.
 */
export async function pollStream(
  dependencies: PollDependencies,
  group: readonly PolledUpload[],
): Promise<number> {
  const { videos } = await dependencies.stream.listVideos({
    uids: group.map(({ upload }) => upload.uid),
  })
  const videosByUid = new Map(videos.map((video) => [video.uid, video]))
  const unlisted = group.filter(({ upload }) => !videosByUid.has(upload.uid))

  let changed = 0
  /** Written together: each write by itself would wait for the disk. */
  const nextPolls: ScheduledPoll[] = []
  async function record(polled: PolledUpload, result: PollResult): Promise<void> {
    const unchanged = await recordResult(dependencies, polled, result)
    if (unchanged === null) changed += 1
    else nextPolls.push(...unchanged)
  }

  for (const [index, polled] of group.entries()) {
    if (index > 0 && index % UPLOADS_PER_TICK === 0) await dependencies.clock.wait(0)
    const video = videosByUid.get(polled.upload.uid)
    if (video !== undefined) await record(polled, video)
  }
  const now = dependencies.clock.now()
  // Uploads that were already known to be missing need no confirmation.
  const alreadyMissing = unlisted.filter(({ upload }) => upload.goneAt !== null)
  const missing = unlisted.filter(({ upload }) => upload.goneAt === null)
  const inconclusive = await dependencies.missingUploads.inconclusive(
    missing,
    new Set(videosByUid.keys()),
  )
  const toConfirm = missing.filter((polled) => !inconclusive.includes(polled))
  // The list may lag behind; only the single-video request decides that a video is gone. Its failure for
  // one upload does not affect the others.
  await Promise.all(
    toConfirm
      .slice(0, CONFIRMATIONS_PER_CALL)
      .map(async (polled) => record(polled, await confirm(dependencies, polled.upload))),
  )
  await dependencies.store.reschedulePolls([
    ...nextPolls,
    ...alreadyMissing.flatMap((polled) => rescheduleIdle(polled, now, 0)),
    ...inconclusive.flatMap((polled) => rescheduleMissing(polled, now)),
    ...postpone(toConfirm.slice(CONFIRMATIONS_PER_CALL), now),
  ])
  return changed
}

/**
 * Requests one video that is missing in the list. A missing video proves nothing while the upload is younger
 * than CONSISTENT_AFTER_MS. Throws StreamError if rate-limited.
 */
async function confirm(
  { stream, log, clock }: Pick<Dependencies, 'stream' | 'log' | 'clock'>,
  upload: Upload,
): Promise<PollResult> {
  try {
    const video = await stream.findVideo(upload.uid)
    const age = clock.now().getTime() - upload.createdAt.getTime()
    return video === null && age < CONSISTENT_AFTER_MS ? 'unknown' : video
  } catch (error) {
    if (!(error instanceof StreamError) || error.kind === 'rate-limited') throw error
    log.warn({ uploadId: upload.id, errorKind: error.kind }, 'polling Stream for one upload failed')
    return 'unknown'
  }
}

/** Records the result. Returns the next poll of an upload that did not change; null if it changed. */
async function recordResult(
  dependencies: PollDependencies,
  polled: PolledUpload,
  result: PollResult,
): Promise<readonly ScheduledPoll[] | null> {
  const { upload, missingPolls } = polled
  const at = dependencies.clock.now()
  if (result === 'unknown') return rescheduleIdle(polled, at, missingPolls)
  const from = { source: 'SYNC', at } as const
  const observation: Observation =
    result === null ? { kind: 'not-found', ...from } : { kind: 'video', video: result, ...from }
  try {
    const latest = await recordObservation(dependencies, upload.uid, observation)
    const isChanged = latest !== null && latest.version !== upload.version
    return isChanged ? null : rescheduleIdle(polled, at, 0)
  } catch (error) {
    if (error instanceof StreamError || error instanceof StoreUnavailable) throw error
    // A failed write for one upload must not block the others.
    dependencies.log.error({ uploadId: upload.id, err: error }, 'recording a poll result failed')
    return rescheduleIdle(polled, at, missingPolls)
  }
}

/**
 * Returns later polls for uploads whose confirmation is postponed, in batches. Without a later poll time, they
 * would be the first due uploads of every sync run until their confirmation.
 */
function postpone(waiting: readonly PolledUpload[], now: Date): readonly ScheduledPoll[] {
  return waiting.flatMap(({ upload: { uid, version }, idlePolls, missingPolls }, index) => {
    if (idlePolls === null) return []
    const batches = 1 + Math.floor(index / CONFIRMATIONS_PER_CALL)
    const pollAt = new Date(now.getTime() + batches * POSTPONE_PER_BATCH_MS)
    return [{ uid, version, idlePolls, pollAt, missingPolls }]
  })
}

/**
 * Returns the next poll of an upload that did not change. Empty for uploads that are polled only because they
 * are watched: their schedule does not change.
 */
function rescheduleIdle(
  { upload, idlePolls }: PolledUpload,
  at: Date,
  missingPolls: number,
): readonly ScheduledPoll[] {
  if (idlePolls === null) return []
  const { uid, version } = upload
  const pollAt = nextPollAt(upload, at, idlePolls + 1)
  return [{ uid, version, pollAt, idlePolls: idlePolls + 1, missingPolls }]
}

/** Returns the next poll of an upload whose absence is inconclusive, and counts the poll in which it was missing. */
function rescheduleMissing(
  { upload: { uid, version }, idlePolls, missingPolls }: PolledUpload,
  now: Date,
): readonly ScheduledPoll[] {
  if (idlePolls === null) return []
  const pollAt = new Date(now.getTime() + MISSING_POLL_INTERVAL_MS)
  return [{ uid, version, pollAt, idlePolls, missingPolls: missingPolls + 1 }]
}
