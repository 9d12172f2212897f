/** Applies an observation to an upload, records the new version and publishes it. */
import type { QuotaUsage, ScheduledPoll } from '../ports/upload-store.ts'
import { withUploadLock } from './upload-mutex.ts'
import { type Observation, applyObservation } from './state-machine.ts'
import { nextPollAt } from './poll-schedule.ts'
import type { Dependencies } from '../dependencies.ts'
import type { Upload, UploadStatus } from '../upload.ts'

/** Delay in milliseconds of the poll after a webhook for a video that Stream did not know. */
const CONTRADICTED_POLL_MS = 5000

type RecordDependencies = Pick<Dependencies, 'store' | 'callbacks' | 'pubsub' | 'telemetry'>

/**
 * Applies the observation to the stored upload and retries on concurrent changes, until it is recorded or
 * changes nothing. Returns the resulting upload; null if there is none with this uid.
 */
export function recordObservation(
  dependencies: RecordDependencies,
  uid: string,
  observation: Observation,
): Promise<Upload | null> {
  return withUploadLock(dependencies.pubsub, uid, () => recordNow(dependencies, uid, observation))
}

async function recordNow(
  dependencies: RecordDependencies,
  uid: string,
  observation: Observation,
): Promise<Upload | null> {
  for (;;) {
    const upload = await dependencies.store.find(uid)
    if (upload === null) return null
    const next = applyObservation(upload, observation)
    if (next === null) {
      if (contradicts(upload, observation))
        await dependencies.store.reschedulePolls([pollSoon(upload, observation)])
      return upload
    }

    const isTransition = next.status !== upload.status
    const callback = dependencies.callbacks?.writeOf(upload, next) ?? null
    const recorded = await dependencies.store.saveVersion({
      upload: next,
      event: isTransition
        ? { status: next.status, source: observation.source, at: observation.at }
        : null,
      quotaUsage: quotaUsageOf(next),
      pollAt: contradicts(next, observation)
        ? pollSoon(next, observation).pollAt
        : nextPollAt(next, observation.at, 0),
      callback,
    })
    if (recorded) {
      if (callback !== null) dependencies.callbacks?.recorded()
      dependencies.pubsub.publish(next)
      if (isTransition) void reportTransition(dependencies, upload, next.status, observation)
      return next
    }
  }
}

/**
 * Whether a webhook describes a video that Stream did not know when polled. It may be a late delivery for a
 * deleted video, so it decides nothing and Stream is polled again.
 */
function contradicts({ goneAt, deletedAt }: Upload, { kind, source }: Observation): boolean {
  return kind === 'video' && source === 'WEBHOOK' && goneAt !== null && deletedAt === null
}

function pollSoon({ uid, version }: Upload, { at }: Observation): ScheduledPoll & { pollAt: Date } {
  const pollAt = new Date(at.getTime() + CONTRADICTED_POLL_MS)
  return { uid, version, pollAt, idlePolls: 0 }
}

/** Reports a transition to telemetry; runs in the background and ignores failures. */
async function reportTransition(
  { store, telemetry }: RecordDependencies,
  { id, status: from }: Upload,
  to: UploadStatus,
  { source, at }: Observation,
): Promise<void> {
  let since: Date | undefined
  try {
    const history = (await store.historyOf([id])).get(id) ?? []
    since = history.findLast((event) => event.status === from)?.at
  } catch {
    // The duration of the previous status is unknown then; the transition is still reported.
  }
  // Clamped, because the clock may have been set back.
  const seconds = since === undefined ? null : Math.max(0, at.getTime() - since.getTime()) / 1000
  telemetry.statusChanged({ from, to, source, seconds })
}

/**
 * Returns the quota usage: the reserved duration until Stream has processed the file, then the actual
 * duration, rounded up to seconds. Error, expiry and deletion release everything.
 * https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/ (billing)
 */
function quotaUsageOf(upload: Upload): QuotaUsage {
  switch (upload.status) {
    case 'PENDING_UPLOAD':
    case 'UPLOADING':
    case 'QUEUED':
    case 'IN_PROGRESS':
      return { reservedSeconds: upload.constraints.maxDurationSeconds, storedSeconds: 0 }
    case 'READY':
      return { reservedSeconds: 0, storedSeconds: Math.ceil(upload.video?.durationSeconds ?? 0) }
    case 'ERROR':
    case 'EXPIRED':
    case 'DELETED':
      return { reservedSeconds: 0, storedSeconds: 0 }
  }
}
