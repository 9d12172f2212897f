// @ts-check
/** Reads MP4, QuickTime, Matroska, WebM and most MPEG transport streams with mediabunny. */
import {
  CustomSource,
  EncodedPacketSink,
  Input,
  MATROSKA,
  MP4,
  MPEG_TS,
  QTFF,
  UnsupportedInputFormatError,
  WEBM,
} from 'mediabunny'

import { emptyResult } from './result.js'

// No playlist formats: a playlist would make the emulator open the paths that it contains.
const CONTAINERS = [MP4, QTFF, MATROSKA, WEBM, MPEG_TS]

/** Maximum bytes of a single read; tables of ten hours at 60 frames per second need half of it. */
const MAX_READ_BYTES = 67_108_864

/**
 * Reads headers, tables and the first and last packets, not the whole file.
 * @param {import('node:fs/promises').FileHandle} file
 * @returns {Promise<import('./result.js').Result>}
 */
export async function readWithMediabunny(file) {
  const input = new Input({ formats: CONTAINERS, source: createSource(file) })
  try {
    if (!(await input.canRead())) return emptyResult('no-video', null)
    const contentType = (await input.getFormat()).mimeType
    return await readTracks(input, contentType).catch((error) =>
      error instanceof UnsupportedInputFormatError
        ? emptyResult('no-video', null)
        : emptyResult('damaged', contentType),
    )
  } catch {
    // For example, an empty file makes the reader throw before it has a format.
    return emptyResult('no-video', null)
  } finally {
    input.dispose()
  }
}

/** @param {import('node:fs/promises').FileHandle} file */
function createSource(file) {
  return new CustomSource({
    getSize: async () => (await file.stat()).size,
    read: async (start, end) => {
      if (end - start > MAX_READ_BYTES) throw new Error('The table or packet is too large.')
      const { bytesRead, buffer } = await file.read(new Uint8Array(end - start), 0, null, start)
      return buffer.subarray(0, bytesRead)
    },
    prefetchProfile: 'fileSystem',
    handleUnhandledError: () => undefined,
  })
}

/**
 * @param {Input} input
 * @param {string} contentType
 * @returns {Promise<import('./result.js').Result>}
 */
async function readTracks(input, contentType) {
  const tracks = await input.getTracks()
  if (tracks.length === 0) return emptyResult('damaged', contentType)
  const video = await input.getPrimaryVideoTrack()
  if (video === null) return emptyResult('no-video', contentType)
  const whole = await Promise.all(tracks.map((track) => isWhole(track, track === video)))
  if (whole.includes(false)) return emptyResult('damaged', contentType)
  return {
    kind: 'video',
    contentType,
    durationSeconds: await readDuration(input),
    width: await video.getDisplayWidth(),
    height: await video.getDisplayHeight(),
  }
}

/**
 * Returns false for a truncated file: its tables point to packets beyond its end.
 * @param {import('mediabunny').InputTrack} track
 * @param {boolean} mustHavePackets
 */
async function isWhole(track, mustHavePackets) {
  const packets = new EncodedPacketSink(track)
  if ((await packets.getFirstPacket()) === null) return !mustHavePackets
  return (await packets.getPacket(Number.POSITIVE_INFINITY)) !== null
}

/** @param {Input} input */
async function readDuration(input) {
  const metadataDuration = await input.getDurationFromMetadata()
  if (metadataDuration !== null) return metadataDuration
  const end = await input.computeDuration()
  // Timestamps of a transport stream start anywhere; other containers start at zero, as in ffprobe.
  const start = (await input.getFormat()) === MPEG_TS ? await input.getFirstTimestamp() : 0
  return end - start
}
