/**
 * The face of customer-….cloudflarestream.com: plays the received file as it came (nothing is
 * encoded), with a page, a picture and manifests that point to it.
 */
import type { IncomingMessage } from 'node:http'

import { answer, sentence, type Answer } from '../http-response.ts'
import { drawThumbnail } from './thumbnail.ts'
import type { MediaFacts } from '../media/media-info.ts'
import { nameOf } from '../state/meta.ts'
import type { EmulatorParts } from '../dependencies.ts'
import { dashManifest, hlsPlaylist, watchPage } from './manifests.ts'
import { sendFile } from './range-response.ts'
import { progressAt, type Video } from '../state/video.ts'

const ANY_ORIGIN = { 'access-control-allow-origin': '*' }

/** @param path what follows the uid, such as `watch` */
export async function servePlayback(
  parts: EmulatorParts,
  request: IncomingMessage,
  uid: string,
  path: string,
): Promise<Answer> {
  const found = await findAnswer(parts, request, uid, path)
  return { ...found, headers: { ...ANY_ORIGIN, ...found.headers } }
}

async function findAnswer(
  parts: EmulatorParts,
  request: IncomingMessage,
  uid: string,
  path: string,
): Promise<Answer> {
  if (request.method === 'OPTIONS') {
    const headers = {
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
      'access-control-allow-headers': 'Range',
      'access-control-expose-headers': 'Content-Range, Content-Length, Accept-Ranges',
    }
    return answer(204, headers)
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return sentence(405, 'This address is for watching.', { allow: 'GET, HEAD, OPTIONS' })
  }
  const video = parts.library.find(uid)
  if (video === null) return sentence(404, 'There is no such video.')
  if (video.requireSignedURLs) return sentence(401, 'This video needs a signed URL.')
  if (path === 'thumbnails/thumbnail.jpg') return thumbnail(video)
  const { state } = progressAt(video, parts.clock.now())
  if (state !== 'ready' || video.media === null) {
    return sentence(404, `The video is not ready: its state is ${state}.`)
  }
  return playReady(parts, request, video, video.media, path)
}

async function playReady(
  parts: EmulatorParts,
  request: IncomingMessage,
  video: Video,
  media: MediaFacts,
  path: string,
): Promise<Answer> {
  switch (path) {
    case 'watch':
      // A browser's address bar asks for a page; a <video>, a player and curl ask for the file.
      return prefersPage(request) ? page(video) : sendVideo(parts, request, video, media)
    case 'iframe':
      return page(video)
    case 'video':
    case 'video.mp4':
      return sendVideo(parts, request, video, media)
    case 'manifest/video.m3u8':
      return answer(200, { 'content-type': 'application/vnd.apple.mpegurl' }, hlsPlaylist(media))
    case 'manifest/video.mpd':
      return answer(200, { 'content-type': 'application/dash+xml' }, dashManifest(media))
    default:
      return sentence(404, 'There is nothing at this address.')
  }
}

async function sendVideo(
  parts: EmulatorParts,
  request: IncomingMessage,
  video: Video,
  media: MediaFacts,
): Promise<Answer> {
  const size = await parts.files.size(video.uid)
  if (size === null) return sentence(404, 'The file of this video is gone.')
  const contentType = media.contentType ?? 'application/octet-stream'
  return sendFile(request, parts.files.path(video.uid), size, contentType, video.uid)
}

function page(video: Video): Answer {
  const headers = { 'content-type': 'text/html; charset=utf-8', vary: 'Accept' }
  return answer(200, headers, watchPage(video.uid, nameOf(video.meta)))
}

function thumbnail(video: Video): Answer {
  const headers = {
    'content-type': 'image/svg+xml',
    'content-security-policy': "default-src 'none'",
  }
  return answer(200, headers, drawThumbnail(video))
}

function prefersPage(request: IncomingMessage): boolean {
  return (request.headers.accept ?? '').split(',').some((type) => type.trim() === 'text/html')
}
