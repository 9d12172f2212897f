/**
 * Playback host in place of customer-….cloudflarestream.com: serves the received file unchanged and, in segments,
 * for HLS and DASH (nothing is encoded), with a player page and a thumbnail.
 */
import type { IncomingMessage } from 'node:http'

import { httpResponse, textResponse, type HttpResponse } from '../http-response.ts'
import { drawThumbnail } from './thumbnail.ts'
import type { MediaInfo } from '../media/media-info.ts'
import { nameOf } from '../state/meta.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import { playerPage } from './player-page.ts'
import { fileResponse } from './range-response.ts'
import { serveSegments } from './segments.ts'
import { progressAt, type Video } from '../state/video.ts'

const ANY_ORIGIN = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Content-Range, Content-Length, Accept-Ranges',
}

/** @param path path after the uid, such as `watch` */
export async function servePlayback(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  uid: string,
  path: string,
): Promise<HttpResponse> {
  const response = await createResponse(dependencies, request, uid, path)
  return { ...response, headers: { ...ANY_ORIGIN, ...response.headers } }
}

async function createResponse(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  uid: string,
  path: string,
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
  const video = dependencies.library.find(uid)
  if (video === null) return textResponse(404, 'Video not found.')
  if (video.requireSignedURLs) return textResponse(401, 'This video needs a signed URL.')
  if (path === 'thumbnails/thumbnail.jpg') return thumbnail(video)
  const { state } = progressAt(video, dependencies.clock.now())
  if (state !== 'ready' || video.media === null) {
    return textResponse(404, `The video is not ready: its state is ${state}.`)
  }
  return playReady(dependencies, request, video, video.media, path)
}

async function playReady(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  video: Video,
  media: MediaInfo,
  path: string,
): Promise<HttpResponse> {
  switch (path) {
    case 'watch':
    case 'iframe':
      return page(video)
    case 'video':
    case 'video.mp4':
      return sendVideo(dependencies, request, video, media)
    default:
      return serveSegments(dependencies, request, { uid: video.uid, media }, path)
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

function page(video: Video): HttpResponse {
  const headers = { 'content-type': 'text/html; charset=utf-8' }
  return httpResponse(200, headers, playerPage(video.uid, nameOf(video.meta)))
}

function thumbnail(video: Video): HttpResponse {
  const headers = {
    'content-type': 'image/svg+xml',
    'content-security-policy': "default-src 'none'",
  }
  return httpResponse(200, headers, drawThumbnail(video))
}
