/** HLS and DASH of a ready video: manifests, initialization segments and media segments. */
import type { IncomingMessage } from 'node:http'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'

import type { EmulatorDependencies } from '../dependencies.ts'
import { textResponse, type FilePart, type HttpResponse } from '../http-response.ts'
import type { Video } from '../state/video.ts'
import { fileResponse } from './range-response.ts'

/** Path of an initialization segment, or of a media segment with its number from 1. */
const SEGMENT_PATH = /^(video|audio)\/(?:init|seg_([1-9]\d{0,5}))\.mp4$/

/** Names of the manifests, and their content types. */
const MANIFESTS = new Map([
  ['video.m3u8', 'application/vnd.apple.mpegurl'],
  ['stream.m3u8', 'application/vnd.apple.mpegurl'],
  ['audio.m3u8', 'application/vnd.apple.mpegurl'],
  ['video.mpd', 'application/dash+xml'],
])

/** A path that the files of a remuxed video can have. */
interface Target {
  readonly contentType: string
  /** Identifies the part among those of its video. */
  readonly name: string
  /** Returns null if the video has no such part. */
  readonly find: (folder: string) => Promise<FilePart | null>
}

/**
 * Waits until the video is remuxed, then responds. Responds 415 if it cannot be remuxed.
 * @param path path after the uid, such as `manifest/video.m3u8`
 */
export async function serveSegments(
  { library, renditions }: EmulatorDependencies,
  request: IncomingMessage,
  video: Video,
  path: string,
): Promise<HttpResponse> {
  const target = manifestOf(path) ?? segmentOf(path)
  if (target === null) return textResponse(404, 'Not found.')
  // The video may have been deleted since the caller found it.
  if (library.find(video.uid) === null) return textResponse(404, 'Video not found.')
  const result = await renditions.find(video).catch((error: unknown) => {
    if (library.find(video.uid) === null) return null
    throw error
  })
  if (result === null) return textResponse(404, 'Video not found.')
  if (result.kind === 'unplayable') {
    return textResponse(415, `The emulator has no HLS and DASH of this video: ${result.reason}.`)
  }
  const part = await target.find(result.folder)
  if (part === null) return textResponse(404, 'Not found.')
  return fileResponse(request, part, target.contentType, `${video.uid}-${target.name}`)
}

function manifestOf(path: string): Target | null {
  const [, name = ''] = /^manifest\/(.+)$/.exec(path) ?? []
  const contentType = MANIFESTS.get(name)
  if (contentType === undefined) return null
  return { contentType, name, find: (folder) => wholeFile(join(folder, name)) }
}

function segmentOf(path: string): Target | null {
  const [, track, number] = SEGMENT_PATH.exec(path) ?? []
  if (track === undefined) return null
  return {
    contentType: `${track}/mp4`,
    name: `${track}-${number ?? 'init'}`,
    find: (folder) => segmentAt(join(folder, track), Number(number ?? 0)),
  }
}

async function wholeFile(path: string): Promise<FilePart | null> {
  const stats = await stat(path).catch(() => null)
  return stats === null ? null : { path, offset: 0, size: stats.size }
}

/**
 * Finds a segment by the index of its track, which contains the offset of each segment and then the file's size as
 * 64-bit numbers.
 * @param path of the track's files, without extension
 * @param number 0 is the initialization segment
 */
async function segmentAt(path: string, number: number): Promise<FilePart | null> {
  const index = await open(`${path}.index`).catch(() => null)
  if (index === null) return null
  try {
    const { bytesRead, buffer } = await index.read(Buffer.alloc(16), 0, 16, number * 8)
    if (bytesRead < 16) return null
    const offset = Number(buffer.readBigUInt64BE(0))
    return { path: `${path}.mp4`, offset, size: Number(buffer.readBigUInt64BE(8)) - offset }
  } finally {
    await index.close()
  }
}
