/** Snapshot for tests: videos, storage, request counts, faults and webhook outbox. */
import type { EmulatorDependencies } from '../dependencies.ts'
import { ALL_VIDEOS } from '../state/video-library.ts'
import { formatMicroseconds, formatMilliseconds } from '../timestamp.ts'
import {
  hasExpired,
  progressAt,
  reservedSeconds,
  storedSeconds,
  type Video,
} from '../state/video.ts'

/** Returns the response body of GET /__emulator/state. */
export async function stateSnapshot(
  dependencies: EmulatorDependencies,
): Promise<Record<string, unknown>> {
  const now = dependencies.clock.now()
  const videos = [...dependencies.library.select({ ...ALL_VIDEOS, ascending: true })]
  const totals = dependencies.library.storage(now)
  const webhooks = dependencies.dispatcher.pending().map(({ uid, dueAt, attempts }) => ({
    uid,
    dueAt: formatMilliseconds(dueAt),
    attempts,
  }))
  return {
    videos: await Promise.all(videos.map((video) => videoState(dependencies, video, now))),
    reservedSeconds: totals.reservedSeconds,
    storedSeconds: totals.storedSeconds,
    requests: dependencies.requests.toJSON(),
    faults: dependencies.faults.toJSON(),
    webhooks,
    notices: webhooks, // word-ok: `webhooks` in the version before
    clock: { now: formatMilliseconds(now), advancedSeconds: dependencies.clock.offsetMs / 1000 },
  }
}

async function videoState(
  dependencies: EmulatorDependencies,
  video: Video,
  now: number,
): Promise<Record<string, unknown>> {
  const { state, percent } = progressAt(video, now)
  return {
    uid: video.uid,
    kind: video.kind,
    state,
    percent,
    errorReasonCode: state === 'error' ? (video.media?.failure?.code ?? '') : '',
    receivedBytes: await receivedBytes(dependencies, video),
    uploadLength: video.uploadLength,
    meta: video.meta,
    creator: video.creator,
    maxDurationSeconds: video.maxDurationSeconds,
    reservedSeconds: reservedSeconds(video, now),
    storedSeconds: storedSeconds(video, now),
    durationSeconds: video.media?.durationSeconds ?? null,
    expired: hasExpired(video, now),
    lapsed: hasExpired(video, now), // word-ok: `expired` in the version before
    uploadExpiry: formatMilliseconds(video.uploadExpiry),
    created: formatMicroseconds(video.createdMicroseconds),
  }
}

async function receivedBytes(dependencies: EmulatorDependencies, video: Video): Promise<number> {
  if (video.sizeBytes !== null) return video.sizeBytes
  return (
    (await dependencies.files.size(video.uid)) ??
    (await dependencies.files.partialSize(video.uid)) ??
    0
  )
}
