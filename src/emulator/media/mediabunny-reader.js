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

/** Difference of a duration in the header to that of the packets: rounded, and without the last packet's duration. */
const MAX_LESS_SECONDS = 1
const MAX_MORE_SECONDS = 10

/** @typedef {{ start: number, end: number }} Span in seconds */

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
  /** @type {Span[]} */
  const spans = []
  for (const track of tracks) {
    const span = await readSpan(track)
    if (span === 'truncated' || (span === null && track === video)) {
      return emptyResult('damaged', contentType)
    }
    if (span !== null) spans.push(span)
  }
  return {
    kind: 'video',
    contentType,
    durationSeconds: confirmed(await input.getDurationFromMetadata(), spans),
    width: await video.getDisplayWidth(),
    height: await video.getDisplayHeight(),
  }
}

/**
 * Returns the time of a track's packets, or null if it has none. Tables of a truncated file point to packets beyond
 * its end.
 * @param {import('mediabunny').InputTrack} track
 * @returns {Promise<Span | 'truncated' | null>}
 */
async function readSpan(track) {
  const packets = new EncodedPacketSink(track)
  const first = await packets.getFirstPacket()
  if (first === null) return null
  const last = await packets.getPacket(Number.POSITIVE_INFINITY)
  if (last === null) return 'truncated'
  return { start: first.timestamp, end: last.timestamp + last.duration }
}

/**
 * Returns the duration in the container's header if the packets confirm it, otherwise that of the packets.
 * @param {number | null} stated duration in seconds; null if the header has none
 * @param {readonly Span[]} spans
 */
function confirmed(stated, spans) {
  // Recordings of live streams do not start at zero, and players start with the first packet.
  const start = Math.max(0, Math.min(...spans.map((span) => span.start)))
  const seconds = Math.max(...spans.map(({ end }) => end)) - start
  const isConfirmed =
    stated !== null && stated >= seconds - MAX_LESS_SECONDS && stated <= seconds + MAX_MORE_SECONDS
  return isConfirmed ? stated : seconds
}
