/** HLS and DASH of a ready video: manifests, initialization segments and media segments. */
import type { IncomingMessage } from 'node:http'

import type { EmulatorDependencies } from '../dependencies.ts'
import { httpResponse, textResponse, type HttpResponse } from '../http-response.ts'
import type { MediaInfo } from '../media/media-info.ts'
import { segmentsOf, type Remuxed, type Rendition } from '../remux/rendition.ts'
import { dashManifest } from './dash-manifest.ts'
import { mediaPlaylist, multivariantPlaylist } from './hls-playlists.ts'
import { fileResponse } from './range-response.ts'

/** Path of an initialization segment, or of a media segment with its number from 1. */
const SEGMENT_PATH = /^(video|audio)\/(?:init|seg_([1-9]\d{0,5}))\.mp4$/

/** Members of a video that its segments need. */
interface ReadyVideo {
  readonly uid: string
  readonly media: MediaInfo
}

/**
 * Waits until the video is remuxed, then responds. Responds 415 if it cannot be remuxed.
 * @param path path after the uid, such as `manifest/video.m3u8`
 */
export async function serveSegments(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  { uid, media }: ReadyVideo,
  path: string,
): Promise<HttpResponse> {
  if (!path.startsWith('manifest/') && !SEGMENT_PATH.test(path)) return notFound()
  const result = await dependencies.renditions
    .find(uid, media.durationSeconds ?? 0)
    .catch((error: unknown) => {
      if (dependencies.library.find(uid) === null) return null
      throw error
    })
  if (result === null) return textResponse(404, 'Video not found.')
  if (result.kind === 'unplayable') {
    return textResponse(415, `The emulator has no HLS and DASH of this video: ${result.reason}.`)
  }
  return (
    serveManifest(result, media, path) ?? serveSegment(dependencies, request, uid, result, path)
  )
}

/** Returns null for the path of a segment. */
function serveManifest(remuxed: Remuxed, media: MediaInfo, path: string): HttpResponse | null {
  switch (path) {
    case 'manifest/video.m3u8':
      return playlist(multivariantPlaylist(remuxed, media))
    case 'manifest/stream.m3u8':
      return playlist(mediaPlaylist('video', remuxed.video))
    case 'manifest/audio.m3u8':
      return remuxed.audio === null ? null : playlist(mediaPlaylist('audio', remuxed.audio))
    case 'manifest/video.mpd': {
      const headers = { 'content-type': 'application/dash+xml' }
      return httpResponse(200, headers, dashManifest(remuxed, media))
    }
    default:
      return null
  }
}

function playlist(text: string): HttpResponse {
  return httpResponse(200, { 'content-type': 'application/vnd.apple.mpegurl' }, text)
}

function serveSegment(
  { renditions }: EmulatorDependencies,
  request: IncomingMessage,
  uid: string,
  remuxed: Remuxed,
  path: string,
): HttpResponse {
  const [, name, number] = SEGMENT_PATH.exec(path) ?? []
  const track = name === 'video' || name === 'audio' ? name : null
  const rendition = track === null ? null : remuxed[track]
  if (track === null || rendition === null) return notFound()
  const part = partOf(rendition, number)
  if (part === null) return notFound()
  return fileResponse(
    request,
    { path: renditions.path(uid, track), ...part },
    `${track}/mp4`,
    `${uid}-${track}-${number ?? 'init'}`,
  )
}

/** @param number of the media segment; undefined for the initialization segment */
function partOf(
  rendition: Rendition,
  number: string | undefined,
): { offset: number; size: number } | null {
  if (number === undefined) return { offset: 0, size: rendition.initBytes }
  const segment = segmentsOf(rendition)[Number(number) - 1]
  return segment === undefined ? null : { offset: segment.offset, size: segment.bytes }
}

function notFound(): HttpResponse {
  return textResponse(404, 'Not found.')
}
