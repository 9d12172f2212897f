/** Parses results of Stream's REST API; returns null if a result is not usable. */
import type {
  MintedVideo,
  StreamStorage,
  StreamVideo,
  StreamWebhook,
  TusOffset,
  VideoList,
  VideoQuery,
} from '../../uploads/ports/stream-api.ts'
import { fieldsOf, readCount, readTimestamp, readText } from '../json-fields.ts'
import type { TransportHeaders } from './transport.ts'
import { readVideo } from '../read-video.ts'
import { toMintedVideo } from '../minted-video.ts'

/**
 * Reads the headers of a tus creation. Stream documents `stream-media-id` as the uid, not a part of
 * Location. tus 1.0.0 allows a Location relative to the request.
 */
export function readMintedHeaders(
  headers: TransportHeaders,
  requestUrl: string,
): MintedVideo | null {
  const location = headers.get('location') ?? ''
  if (location === '' || !URL.canParse(location, requestUrl)) return null
  // An absolute URL is returned unchanged.
  const uploadURL = URL.canParse(location) ? location : new URL(location, requestUrl).href
  return toMintedVideo(headers.get('stream-media-id'), uploadURL)
}

/** Reads the videos of a list; videos without a uid are skipped. */
export function readVideos(result: unknown): readonly StreamVideo[] | null {
  if (!Array.isArray(result)) return null
  return result.map(readVideo).filter((video) => video !== null)
}

/** Reads the storage usage of the account or of one creator. */
export function readStorage(result: unknown): StreamStorage | null {
  const { totalStorageMinutes, totalStorageMinutesLimit, videoCount } = fieldsOf(result)
  const storedMinutes = readCount(totalStorageMinutes)
  if (storedMinutes === null) return null
  return {
    storedMinutes,
    limitMinutes: readCount(totalStorageMinutesLimit),
    videoCount: Math.trunc(readCount(videoCount) ?? 0),
  }
}

/**
 * Reads the webhook, in both spellings of its URL. Returns `absent` if Stream has none, and
 * null if the secret is missing, because the gateway requires it.
 */
export function readWebhook(result: unknown): StreamWebhook | 'absent' | null {
  const { notificationUrl, notification_url, secret: secretField, modified } = fieldsOf(result)
  const notificationURL = readText(notificationUrl) ?? readText(notification_url)
  if (notificationURL === null) return 'absent'
  const secret = readText(secretField)
  return secret === null ? null : { notificationURL, secret, modifiedAt: readTimestamp(modified) }
}

/** Reads `Upload-Offset` and `Upload-Length` of a tus HEAD; null without a valid offset. */
export function readUploadOffset(headers: TransportHeaders): TusOffset | null {
  const receivedBytes = bytes(headers.get('upload-offset'))
  if (receivedBytes === null) return null
  return { receivedBytes, totalBytes: bytes(headers.get('upload-length')) }
}

/** Merges the lists of several calls into one result. */
export function mergeLists(lists: readonly VideoList[], query: VideoQuery): VideoList {
  const [only] = lists
  if (only !== undefined && lists.length === 1) return only
  const direction = query.ascending === true ? 1 : -1
  const videos = lists
    .flatMap((list) => list.videos)
    .toSorted((a, b) => direction * (createdMs(a) - createdMs(b)))
    .slice(0, query.limit ?? 1000)
  const totals = lists.map((list) => list.total)
  const total = totals.reduce<number | null>(
    (sum, next) => (sum === null || next === null ? null : sum + next),
    0,
  )
  return { videos, total }
}

function createdMs(video: StreamVideo): number {
  return video.createdAt?.getTime() ?? 0
}

function bytes(text: string | null): number | null {
  if (text === null || !/^\d{1,15}$/.test(text)) return null
  return Number(text)
}
