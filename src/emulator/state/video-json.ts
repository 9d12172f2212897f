/**
 * Serializes a video as Stream does, in responses and webhooks.
 * https://developers.cloudflare.com/api/resources/stream/methods/get/
 */
import { formatMicroseconds, formatMilliseconds } from '../timestamp.ts'
import { watermarkJson } from './watermark.ts'
import { progressAt, type Progress, type Video } from './video.ts'

/** Returns Stream's Video object. Unknown duration and dimensions are -1, an unknown size is 0. */
export function videoJson(video: Video, publicUrl: string, now: number): Record<string, unknown> {
  const progress = progressAt(video, now)
  const isReady = progress.state === 'ready'
  const base = `${publicUrl}/${video.uid}`
  const { media } = video
  return {
    uid: video.uid,
    creator: video.creator,
    thumbnail: `${base}/thumbnails/thumbnail.jpg`,
    thumbnailTimestampPct: video.thumbnailTimestampPct,
    readyToStream: isReady,
    readyToStreamAt: isReady ? timeOrNull(video.finishesAt) : null,
    status: statusJson(video, progress),
    meta: video.meta,
    created: formatMicroseconds(video.createdMicroseconds),
    modified: formatMilliseconds(modifiedAt(video, now)),
    uploaded: timeOrNull(video.receivedAt),
    uploadExpiry: formatMilliseconds(video.uploadExpiry),
    scheduledDeletion: timeOrNull(video.scheduledDeletion),
    size: video.sizeBytes ?? 0,
    preview: `${base}/watch`,
    allowedOrigins: video.allowedOrigins,
    requireSignedURLs: video.requireSignedURLs,
    maxSizeBytes: null,
    maxDurationSeconds: video.maxDurationSeconds,
    duration: media?.durationSeconds ?? -1,
    input: { width: media?.width ?? -1, height: media?.height ?? -1 },
    playback: {
      hls: `${base}/manifest/video.m3u8`,
      dash: `${base}/manifest/video.mpd`,
    },
    watermark: video.watermark === null ? null : watermarkJson(video.watermark),
    clippedFrom: null,
    publicDetails: {
      title: null,
      share_link: null,
      channel_link: null,
      logo: null,
      ...video.publicDetails,
    },
  }
}

function statusJson(video: Video, progress: Progress): Record<string, unknown> {
  const failure = progress.state === 'error' ? (video.media?.failure ?? null) : null
  const hasStep = progress.state === 'inprogress' || progress.state === 'error'
  return {
    state: progress.state,
    ...(hasStep ? { step: 'encoding' } : {}),
    pctComplete: progress.percent.toFixed(6),
    errorReasonCode: failure?.code ?? '',
    errorReasonText: failure?.text ?? '',
  }
}

/** Returns the time of the latest update, receipt or end of processing up to `now`. */
function modifiedAt(video: Video, now: number): number {
  const { changedAt, finishesAt, receivedAt } = video
  const ended = finishesAt !== null && finishesAt <= now ? finishesAt : 0
  return Math.max(changedAt, receivedAt ?? 0, ended)
}

function timeOrNull(milliseconds: number | null): string | null {
  return milliseconds === null ? null : formatMilliseconds(milliseconds)
}
