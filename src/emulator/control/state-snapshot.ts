/** What a test may look at: every video, the minutes, the requests, and what is planned or owed. */
import type { EmulatorParts } from '../dependencies.ts'
import { everyVideo } from '../state/video-library.ts'
import { formatMicroseconds, formatMilliseconds } from '../timestamp.ts'
import { hasLapsed, progressAt, reservedSeconds, storedSeconds, type Video } from '../state/video.ts'

/** The answer of GET /__emulator/state. */
export async function emulatorState(parts: EmulatorParts): Promise<Record<string, unknown>> {
  const now = parts.clock.now()
  const videos = [...parts.library.select({ ...everyVideo, ascending: true })]
  const totals = parts.library.storage(now)
  return {
    videos: await Promise.all(videos.map((video) => videoState(parts, video, now))),
    reservedSeconds: totals.reservedSeconds,
    storedSeconds: totals.storedSeconds,
    requests: parts.requests.toJSON(),
    faults: parts.faults.toJSON(),
    notices: parts.notifier.owed().map((notice) => ({
      uid: notice.uid,
      dueAt: formatMilliseconds(notice.dueAt),
      attempts: notice.attempts,
    })),
    clock: { now: formatMilliseconds(now), advancedSeconds: parts.clock.offsetMs / 1000 },
  }
}

async function videoState(
  parts: EmulatorParts,
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
    receivedBytes: await receivedBytes(parts, video),
    uploadLength: video.uploadLength,
    meta: video.meta,
    creator: video.creator,
    maxDurationSeconds: video.maxDurationSeconds,
    reservedSeconds: reservedSeconds(video, now),
    storedSeconds: storedSeconds(video, now),
    durationSeconds: video.media?.durationSeconds ?? null,
    lapsed: hasLapsed(video, now),
    uploadExpiry: formatMilliseconds(video.uploadExpiry),
    created: formatMicroseconds(video.createdMicroseconds),
  }
}

async function receivedBytes(parts: EmulatorParts, video: Video): Promise<number> {
  if (video.sizeBytes !== null) return video.sizeBytes
  return (await parts.files.size(video.uid)) ?? (await parts.files.partialSize(video.uid)) ?? 0
}
