// @ts-check
/**
 * Child process of media-reader.ts: reads media files one at a time with mediabunny. JavaScript,
 * because Node runs this file unchanged both in the TypeScript sources (tests) and in the build.
 */
import { open } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'

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

import { hasImpossibleTables } from './sample-tables.js'

/**
 * @typedef {{ path: string, timeoutMs: number }} Job
 * @typedef {{
 *   kind: 'video' | 'no-video' | 'damaged',
 *   contentType: string | null,
 *   durationSeconds: number | null,
 *   width: number | null,
 *   height: number | null,
 * }} Result
 */

// No playlist formats: a playlist would make the emulator open the paths that it contains.
const CONTAINERS = [MP4, QTFF, MATROSKA, WEBM, MPEG_TS]

/** Maximum bytes of a single read; tables of ten hours at 60 frames per second need half of it. */
const MAX_READ_BYTES = 67_108_864

/**
 * Kills this process if reading a file exceeds its timeout. Runs in a thread, because an endless loop blocks
 * the timers and the disconnect event of the main thread.
 */
const watchdog = new Worker(
  `let timer
  require('node:worker_threads').parentPort.on('message', (milliseconds) => {
    clearTimeout(timer)
    if (milliseconds > 0) timer = setTimeout(() => process.kill(process.pid, 'SIGKILL'), milliseconds)
  })`,
  { eval: true },
)

// Terminals and service managers send signals to the whole process group, but only the parent process may end
// this process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined)
process.on('disconnect', () => process.exit())
process.on('message', (/** @type {Job} */ job) => void run(job))
watchdog.on('online', () => process.send?.('ready'))

/** @param {number} milliseconds 0 stops the timeout */
function startTimeout(milliseconds) {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  watchdog.postMessage(milliseconds)
}

/** @param {Job} job */
async function run({ path, timeoutMs }) {
  startTimeout(timeoutMs)
  const result = await readMedia(path)
  startTimeout(0)
  process.send?.(result)
}

/**
 * Reads headers, tables and the first and last packets, not the whole file.
 * @param {string} path
 * @returns {Promise<Result>}
 */
async function readMedia(path) {
  const file = await open(path, 'r').catch(() => null)
  // The file has been deleted.
  if (file === null) return emptyResult('no-video', null)
  const input = new Input({ formats: CONTAINERS, source: createSource(file) })
  try {
    if (!(await input.canRead())) return emptyResult('no-video', null)
    const contentType = (await input.getFormat()).mimeType
    if (hasImpossibleTables(file.fd, (await file.stat()).size)) {
      return emptyResult('damaged', contentType)
    }
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
    await file.close()
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
 * @returns {Promise<Result>}
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

/**
 * @param {'no-video' | 'damaged'} kind
 * @param {string | null} contentType
 * @returns {Result}
 */
function emptyResult(kind, contentType) {
  return { kind, contentType, durationSeconds: null, width: null, height: null }
}
