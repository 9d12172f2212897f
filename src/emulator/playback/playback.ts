/**
 * Playback host in place of customer-….cloudflarestream.com: serves the received file unchanged and, in segments,
 * for HLS and DASH (nothing is encoded), with a player page and thumbnails.
 */
import type { IncomingMessage } from 'node:http'

import type { z } from 'zod'

import { httpResponse, textResponse, type HttpResponse } from '../http-response.ts'
import { drawAnimation, drawThumbnail } from './thumbnail.ts'
import { animationSchema, parseThumbnailQuery, stillSchema } from './thumbnail-query.ts'
import type { MediaInfo } from '../media/media-info.ts'
import { nameOf } from '../state/meta.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import { playerPage } from './player-page.ts'
import type { PlaybackClient } from './token-claims.ts'
import { fileResponse } from './range-response.ts'
import { serveSegments } from './segments.ts'
import { progressAt, type Video } from '../state/video.ts'
import { orTemporaryError } from '../storage-errors.ts'

const ANY_ORIGIN = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Content-Range, Content-Length, Accept-Ranges',
}

/** Components of a playback URL. */
interface PlaybackTarget {
  /** Uid of a video, or a signed token. */
  readonly uidOrToken: string
  /** Path after it, such as `watch`. */
  readonly path: string
  readonly query: URLSearchParams
}

export async function servePlayback(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  target: PlaybackTarget,
): Promise<HttpResponse> {
  const response = await orTemporaryError(dependencies, () =>
    createResponse(dependencies, request, target),
  )
  return { ...response, headers: { ...ANY_ORIGIN, ...response.headers } }
}

async function createResponse(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  { uidOrToken, path, query }: PlaybackTarget,
): Promise<HttpResponse> {
  if (request.method === 'OPTIONS') {
    const headers = {
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
      'access-control-allow-headers': 'Range',
    }
    return httpResponse(204, headers)
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return textResponse(405, 'Method not allowed. Allowed: GET, HEAD, OPTIONS.', {
      allow: 'GET, HEAD, OPTIONS',
    })
  }
  const found = await findVideo(dependencies, request, uidOrToken)
  if ('status' in found) return found
  const { video, mayDownload } = found
  if (path === 'thumbnails/thumbnail.jpg') {
    return thumbnail(stillSchema, query, (params) => drawThumbnail(video, params))
  }
  if (path === 'thumbnails/thumbnail.gif') {
    return thumbnail(animationSchema, query, (params) => drawAnimation(video, params))
  }
  const { state } = progressAt(video, dependencies.clock.now())
  if (state !== 'ready' || video.media === null) {
    return textResponse(404, `The video is not ready: its state is ${state}.`)
  }
  if (path === 'watch' || path === 'iframe') return page(video, uidOrToken)
  if (path === 'downloads/default.mp4' && !mayDownload) {
    return textResponse(401, 'The token of this URL needs the claim downloadable: true.')
  }
  return playReady(dependencies, request, video, video.media, path)
}

interface FoundVideo {
  readonly video: Video
  /** False for a token without `downloadable`. */
  readonly mayDownload: boolean
}

/** Returns the video that the client may play, or the response that rejects the request. */
async function findVideo(
  { library, playbackTokens }: EmulatorDependencies,
  request: IncomingMessage,
  uidOrToken: string,
): Promise<FoundVideo | HttpResponse> {
  if (!uidOrToken.includes('.')) {
    const video = library.find(uidOrToken)
    if (video?.requireSignedURLs === true) {
      return textResponse(401, 'This video needs a signed URL.')
    }
    return video === null ? videoNotFound() : { video, mayDownload: true }
  }
  const token = await playbackTokens.verify(uidOrToken, clientOf(request))
  if (token.kind === 'invalid') {
    return textResponse(401, `The signed URL is not valid: ${token.reason}.`)
  }
  const video = library.find(token.uid)
  if (video === null) return videoNotFound()
  return { video, mayDownload: token.downloadable || !video.requireSignedURLs }
}

/**
 * Returns address and country. Cloudflare knows the country by the address; here it is the header that
 * Cloudflare sends to origins, so that a test can choose it.
 * https://developers.cloudflare.com/fundamentals/reference/http-headers/#cf-ipcountry
 */
function clientOf({ headers, socket }: IncomingMessage): PlaybackClient {
  const country = headers['cf-ipcountry']
  return {
    address: socket.remoteAddress ?? '',
    country: typeof country === 'string' ? country.toUpperCase() : null,
  }
}

function videoNotFound(): HttpResponse {
  return textResponse(404, 'Video not found.')
}

async function playReady(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  video: Video,
  media: MediaInfo,
  path: string,
): Promise<HttpResponse> {
  switch (path) {
    case 'video':
    case 'video.mp4':
    case 'downloads/default.mp4':
      return sendVideo(dependencies, request, video, media)
    default:
      return serveSegments(dependencies, request, video, path)
  }
}

async function sendVideo(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  video: Video,
  media: MediaInfo,
): Promise<HttpResponse> {
  const size = await dependencies.files.size(video.uid)
  if (size === null) return textResponse(404, 'The file of this video is missing.')
  const contentType = media.contentType ?? 'application/octet-stream'
  const part = { path: dependencies.files.path(video.uid), offset: 0, size }
  return fileResponse(request, part, contentType, video.uid)
}

function page(video: Video, uidOrToken: string): HttpResponse {
  const headers = { 'content-type': 'text/html; charset=utf-8' }
  return httpResponse(200, headers, playerPage(uidOrToken, nameOf(video.meta) ?? video.uid))
}

function thumbnail<Params>(
  schema: z.ZodType<Params>,
  query: URLSearchParams,
  render: (params: Params) => string,
): HttpResponse {
  const parsed = parseThumbnailQuery(schema, query)
  if ('error' in parsed) return textResponse(400, `${parsed.error}.`)
  const headers = {
    'content-type': 'image/svg+xml',
    'content-security-policy': "default-src 'none'",
  }
  return httpResponse(200, headers, render(parsed.params))
}
