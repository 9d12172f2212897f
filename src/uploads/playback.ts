/** Use cases: addresses that play a video, signed if it is private. */
import { limitsInForce } from './caller-limits.ts'
import type { Dependencies } from './dependencies.ts'
import { type RateLimited, type StreamFailed, rateLimited } from './outcomes.ts'
import {
  MAX_WAITING_SIGNATURES,
  type PlaybackToken,
  type PlaybackTokenOutcome,
  type PlaybackTokenRequest,
} from './ports/playback-tokens.ts'
import { StreamError } from './ports/stream-error.ts'
import type { MaybePromise } from './ports/upload-store.ts'
import { outcomeOfStreamError } from './stream-error-outcome.ts'
import type { Upload, Video } from './upload.ts'
import { type Viewer, mayPlay } from './viewer.ts'

/** Bounds and default of a token's life in seconds. Stream's maximum is 24 hours. */
export const TTL_SECONDS = { min: 60, max: 86_400, default: 3600 } as const

export type PlaybackOptions = Omit<PlaybackTokenRequest, 'uid'>

/** Addresses that play a video. They contain `token`, if any, and are as secret as the token. */
export interface Playback {
  readonly kind: 'Playback'
  /** Null for a public video. */
  readonly token: string | null
  /** When the token expires; null for a public video. */
  readonly expiresAt: Date | null
  readonly hlsURL: string
  readonly dashURL: string
  readonly iframeURL: string
  readonly thumbnailURL: string
  readonly animatedThumbnailURL: string
}

/** Null if the video does not play, or the viewer may not play it; callers cannot tell which. */
export type PlaybackOutcome = Playback | RateLimited | StreamFailed | null

type PlaybackDependencies = Pick<
  Dependencies,
  'store' | 'playbackTokens' | 'playbackLimit' | 'policy' | 'log'
>

/** For the creator, administrators, and viewers with the scope `videos:play`. */
export function playVideo(
  dependencies: PlaybackDependencies,
  viewer: Viewer,
  uid: string,
  options: PlaybackOptions,
): MaybePromise<PlaybackOutcome> {
  const play = (upload: Upload | null): MaybePromise<PlaybackOutcome> =>
    upload !== null && mayPlay(viewer, upload.creator)
      ? playUpload(dependencies, viewer, upload, options)
      : null
  const found = dependencies.store.find(uid)
  return found instanceof Promise ? found.then(play) : play(found)
}

/** For an upload that the viewer may play. */
export function playUpload(
  dependencies: PlaybackDependencies,
  viewer: Viewer,
  upload: Upload,
  options: PlaybackOptions,
): MaybePromise<PlaybackOutcome> {
  const { uid, video, status } = upload
  if (status !== 'READY' || video === null) return null
  if (!upload.constraints.requireSignedURLs) return addressesOf(uid, video, null)
  const token = tokenFor(dependencies, viewer, upload, { uid, ...options })
  return token instanceof Promise
    ? token.then((issued) => signedAddresses(uid, video, issued))
    : signedAddresses(uid, video, token)
}

type TokenOutcome = PlaybackToken | RateLimited | StreamFailed | null

function signedAddresses(uid: string, video: Video, outcome: TokenOutcome): PlaybackOutcome {
  return outcome !== null && 'token' in outcome ? addressesOf(uid, video, outcome) : outcome
}

function tokenFor(
  dependencies: PlaybackDependencies,
  viewer: Viewer,
  upload: Upload,
  request: PlaybackTokenRequest,
): MaybePromise<TokenOutcome> {
  const known = dependencies.playbackTokens.find(request)
  if (known !== undefined && !(known instanceof Promise)) return tokenOrLimit(known)
  return issue(dependencies, viewer, upload, request, known)
}

/** @param known the result of an equal request in flight */
async function issue(
  { playbackTokens, playbackLimit, policy, log }: PlaybackDependencies,
  viewer: Viewer,
  upload: Upload,
  request: PlaybackTokenRequest,
  known: Promise<PlaybackTokenOutcome> | undefined,
): Promise<TokenOutcome> {
  try {
    if (known !== undefined) return tokenOrLimit(await known)
    const { createsPerMinute } = limitsInForce(policy, viewer.limits)
    const consumed = await playbackLimit?.consume(viewer.subject, createsPerMinute)
    if (consumed?.kind === 'rejected') {
      return rateLimited(
        `Rate limit exceeded: ${createsPerMinute} playback tokens per minute.`,
        consumed.retryAfterSeconds,
      )
    }
    return tokenOrLimit(await playbackTokens.create(request, viewer.subject))
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    log.warn(
      { uploadId: upload.id, errorKind: error.kind, err: error },
      'creating a playback token failed',
    )
    return outcomeOfStreamError(error)
  }
}

function tokenOrLimit(outcome: PlaybackTokenOutcome): PlaybackToken | RateLimited | null {
  if (outcome !== 'busy') return outcome
  return rateLimited(
    `Too many playback tokens at once (limit: ${MAX_WAITING_SIGNATURES} that wait for their signature).`,
    1,
  )
}

/**
 * Returns the addresses with the token in place of the uid. The host is the one that Stream reported for this
 * video. Null if Stream reported no address.
 * https://developers.cloudflare.com/stream/viewing-videos/securing-your-stream/
 */
function addressesOf(uid: string, video: Video, token: PlaybackToken | null): Playback | null {
  const segment = `/${uid}/`
  const base = [video.hlsURL, video.dashURL, video.thumbnailURL, video.previewURL].find(
    (url) => url?.includes(segment) === true,
  )
  if (base === undefined || base === null) return null
  const id = token?.token ?? uid
  const root = `${base.slice(0, base.indexOf(segment))}/${id}/`
  return {
    kind: 'Playback',
    token: token?.token ?? null,
    expiresAt: token?.expiresAt ?? null,
    hlsURL: video.hlsURL?.replace(segment, `/${id}/`) ?? `${root}manifest/video.m3u8`,
    dashURL: video.dashURL?.replace(segment, `/${id}/`) ?? `${root}manifest/video.mpd`,
    iframeURL: `${root}iframe`,
    thumbnailURL:
      video.thumbnailURL?.replace(segment, `/${id}/`) ?? `${root}thumbnails/thumbnail.jpg`,
    animatedThumbnailURL: `${root}thumbnails/thumbnail.gif`,
  }
}
