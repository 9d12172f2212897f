// @ts-check
/** Reads the containers that mediabunny does not know, and files that it finds damaged, with MediaInfo. */
import { mediaInfoFactory } from 'mediainfo.js'
import { z } from 'zod'

import { emptyResult } from './result.js'

/** Containers that Stream documents, by MediaInfo's name. Others, such as Ogg, are no video at Stream. */
const CONTENT_TYPES = new Map([
  ['MPEG-4', 'video/mp4'],
  ['QuickTime', 'video/quicktime'],
  ['Matroska', 'video/x-matroska'],
  ['WebM', 'video/webm'],
  ['AVI', 'video/x-msvideo'],
  ['Flash Video', 'video/x-flv'],
  ['MPEG-PS', 'video/mpeg'],
  ['MPEG-TS', 'video/MP2T'],
  ['BDAV', 'video/MP2T'],
  ['MXF', 'application/mxf'],
  ['GXF', 'application/octet-stream'],
  ['LXF', 'application/octet-stream'],
])
/** MediaInfo derives the duration of the whole file from its bit rate: the tracks are more exact. */
const TRANSPORT_STREAMS = new Set(['MPEG-TS', 'BDAV'])

/** Maximum memory of MediaInfo, which V8's heap limit does not include. It starts with 33 MiB. */
const MAX_MEMORY_BYTES = 134_217_728
const PAGE_BYTES = 65_536

const number = z.coerce.number().positive().optional().catch(undefined)
const trackSchema = z.object({
  '@type': z.string(),
  Format: z.string().optional().catch(undefined),
  Duration: number,
  Width: number,
  Height: number,
  PixelAspectRatio: number,
  Rotation: number,
})
const reportSchema = z.object({ media: z.object({ track: z.array(trackSchema) }) })
/** @typedef {z.infer<typeof trackSchema>} Track */

limitMemory()

/** MediaInfo's only way to more memory is this method. */
function limitMemory() {
  // oxlint-disable-next-line typescript/unbound-method -- called with its memory below
  const { grow } = WebAssembly.Memory.prototype
  WebAssembly.Memory.prototype.grow = function growWithinLimit(pages) {
    if (this.buffer.byteLength + pages * PAGE_BYTES > MAX_MEMORY_BYTES) {
      throw new RangeError('The file needs too much memory.')
    }
    return grow.call(this, pages)
  }
}

/** Each file needs a new instance, because a damaged file can leave an instance unusable. */
export function createMediaInfo() {
  return mediaInfoFactory({ format: 'JSON', coverData: false })
}

/**
 * Returns null if the file has no video in a known container.
 * @param {import('mediainfo.js').MediaInfo<'JSON'>} mediaInfo
 * @param {import('node:fs/promises').FileHandle} file
 * @param {number} fileBytes
 * @param {ReturnType<typeof import('./movie-timing.js').readMovieTiming>} timing null for other containers than MP4
 * @returns {Promise<import('./result.js').Result | null>}
 */
export async function readWithMediaInfo(mediaInfo, file, fileBytes, timing) {
  const report = await mediaInfo
    .analyzeData(fileBytes, async (length, start) => {
      const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, start)
      return buffer.subarray(0, bytesRead)
    })
    .catch(() => null)
  const tracks = reportSchema.safeParse(parsed(report)).data?.media.track ?? []
  const format = tracks.find((track) => track['@type'] === 'General')?.Format ?? ''
  // The format of an MP4 file of an unknown brand is that brand.
  const contentType = CONTENT_TYPES.get(format) ?? (timing === null ? undefined : 'video/mp4')
  const videos = tracks.filter((track) => track['@type'] === 'Video')
  if (contentType === undefined || videos.length === 0) return null
  const video = videos.find(({ Width, Height }) => Width !== undefined && Height !== undefined)
  const durationSeconds = timing?.durationSeconds ?? durationOf(tracks, format)
  const isMovie = format === 'MPEG-4' || format === 'QuickTime'
  if (video === undefined || durationSeconds === null || !(timing?.isWhole ?? !isMovie)) {
    return emptyResult('damaged', contentType)
  }
  return { kind: 'video', contentType, durationSeconds, ...displaySize(video) }
}

/** @param {string | null} report */
function parsed(report) {
  try {
    return report === null ? null : /** @type {unknown} */ (JSON.parse(report))
  } catch {
    return null
  }
}

/**
 * @param {readonly Track[]} tracks
 * @param {string} format
 */
function durationOf(tracks, format) {
  const general = tracks.find((track) => track['@type'] === 'General')?.Duration
  if (general !== undefined && !TRANSPORT_STREAMS.has(format)) return general
  const longest = tracks
    .filter((track) => track['@type'] === 'Video' || track['@type'] === 'Audio')
    .reduce((max, { Duration = 0 }) => Math.max(max, Duration), 0)
  return longest > 0 ? longest : (general ?? null)
}

/** @param {Track} video */
function displaySize({ Width = 0, Height = 0, PixelAspectRatio = 1, Rotation = 0 }) {
  const width = Math.round(Width * PixelAspectRatio)
  const isOnItsSide = Math.round(Rotation) % 180 === 90
  return isOnItsSide ? { width: Height, height: width } : { width, height: Height }
}
