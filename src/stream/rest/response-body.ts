/** Reads the results of Stream's REST API; null where a result is of no use. */
import type {
  MintedVideo,
  StreamStorage,
  StreamVideo,
  StreamWebhook,
  TusOffset,
  VideoList,
  VideoQuery,
} from '../../uploads/ports/stream-api.ts'
import { fieldsOf, readCount, readMoment, readText } from '../json-fields.ts'
import type { AnswerHeaders } from './transport.ts'
import { isVideoUid, readVideo } from '../read-video.ts'

/** `{ uid, uploadURL }` of `direct_upload`. */
export function readMinted(result: unknown): MintedVideo | null {
  const { uid, uploadURL } = fieldsOf(result)
  return mintedOf(readText(uid), readText(uploadURL))
}

function mintedOf(uid: string | null, uploadURL: string | null): MintedVideo | null {
  if (uid === null || !isVideoUid(uid) || !isMintedUrl(uploadURL)) return null
  return { uid, uploadURL }
}

/**
 * What a tus creation says in headers. "Use stream-media-id", say the docs, and do not parse
 * Location for the uid. tus 1.0.0 allows Location to be relative to the request.
 */
export function readMintedHeaders(headers: AnswerHeaders, requestUrl: string): MintedVideo | null {
  const location = headers.get('location') ?? ''
  if (location === '' || !URL.canParse(location, requestUrl)) return null
  // An absolute address is passed on exactly as it came.
  const uploadURL = URL.canParse(location) ? location : new URL(location, requestUrl).href
  return mintedOf(headers.get('stream-media-id'), uploadURL)
}

/** Whether a browser could send a file there: http or https, without a name or password in it. */
export function isMintedUrl(text: string | null): text is string {
  const url = text === null ? null : parsed(text)
  if (url === null) return false
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}

function parsed(text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null
  }
}

/** The videos of a list; those without a uid are left out. */
export function readVideos(result: unknown): readonly StreamVideo[] | null {
  if (!Array.isArray(result)) return null
  return result.map(readVideo).filter((video) => video !== null)
}

/** The account's or one creator's storage. */
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
 * The webhook, in both spellings of its URL: `absent` where Stream has none, null where it has one
 * without the secret that we could not do without.
 */
export function readWebhook(result: unknown): StreamWebhook | 'absent' | null {
  const { notificationUrl, notification_url, secret: told, modified } = fieldsOf(result)
  const notificationURL = readText(notificationUrl) ?? readText(notification_url)
  if (notificationURL === null) return 'absent'
  const secret = readText(told)
  return secret === null ? null : { notificationURL, secret, modifiedAt: readMoment(modified) }
}

/** `Upload-Offset` and `Upload-Length` of a tus HEAD; null without a usable offset. */
export function readOffset(headers: AnswerHeaders): TusOffset | null {
  const receivedBytes = bytes(headers.get('upload-offset'))
  if (receivedBytes === null) return null
  return { receivedBytes, totalBytes: bytes(headers.get('upload-length')) }
}

/** Several calls' lists as one call would have given them. */
export function joinLists(lists: readonly VideoList[], query: VideoQuery): VideoList {
  const [only] = lists
  if (only !== undefined && lists.length === 1) return only
  const direction = query.ascending === true ? 1 : -1
  const videos = lists
    .flatMap((list) => list.videos)
    .toSorted((a, b) => direction * (age(a) - age(b)))
    .slice(0, query.limit ?? 1000)
  const totals = lists.map((list) => list.total)
  const total = totals.reduce<number | null>(
    (sum, next) => (sum === null || next === null ? null : sum + next),
    0,
  )
  return { videos, total }
}

function age(video: StreamVideo): number {
  return video.createdAt?.getTime() ?? 0
}

function bytes(text: string | null): number | null {
  if (text === null || !/^\d{1,15}$/.test(text)) return null
  return Number(text)
}
