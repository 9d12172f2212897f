// @ts-check
/**
 * Child process of remux-file.ts: copies the packets of one media file into CMAF segments, without decoding.
 * JavaScript, because Node runs this file unchanged both in the TypeScript sources (tests) and in the build.
 */
import { open } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'

import { CustomSource, Input, MATROSKA, MP4, MPEG_TS, QTFF, WEBM } from 'mediabunny'

import { chooseTracks, firstTimestamp, Unplayable } from './choose-tracks.js'
import { writeTrack } from './write-track.js'

/**
 * @typedef {{
 *   path: string,
 *   sizeBytes: number,
 *   videoPath: string,
 *   audioPath: string,
 *   timeoutMs: number,
 * }} Job
 */

// No playlist formats: a playlist would make the emulator open the paths that it contains.
const CONTAINERS = [MP4, QTFF, MATROSKA, WEBM, MPEG_TS]

/** Maximum bytes of a single read. */
const MAX_READ_BYTES = 67_108_864

/** Bytes that the segments may have in addition to twice the file: headers of packets and segments. */
const MAX_MORE_BYTES = 16_777_216

// Terminals and service managers send signals to the whole process group, but only the parent process may end
// this process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined)
process.on('disconnect', () => process.exit())
process.once('message', (/** @type {Job} */ job) => void run(job))

/** @param {Job} job */
async function run(job) {
  startWatchdog(job.timeoutMs)
  const result = await remux(job).catch((error) =>
    // An error of the disk must not count as an error of the file.
    isSystemError(error)
      ? { kind: 'failed', message: error.message }
      : {
          kind: 'unplayable',
          reason:
            error instanceof Unplayable ? error.message : 'mediabunny cannot read its packets',
        },
  )
  process.send?.(result, () => process.exit())
}

/**
 * Kills this process after the timeout. Runs in a thread, because an endless loop blocks the timers and the
 * disconnect event of the main thread.
 * @param {number} timeoutMs
 */
function startWatchdog(timeoutMs) {
  const code = `setTimeout(() => process.kill(process.pid, 'SIGKILL'), require('node:worker_threads').workerData)`
  new Worker(code, { eval: true, workerData: timeoutMs }).unref()
}

/** @param {Job} job */
async function remux({ path, sizeBytes, videoPath, audioPath }) {
  const file = await open(path, 'r')
  const input = new Input({ formats: CONTAINERS, source: createSource(file) })
  try {
    if (!(await input.canRead())) throw new Unplayable('mediabunny cannot read its container')
    const { video, audio } = await chooseTracks(input)
    const origin = await firstTimestamp(video, audio)
    const budget = { bytes: sizeBytes * 2 + MAX_MORE_BYTES }
    return {
      kind: 'remuxed',
      video: await writeTrack(video, videoPath, origin, budget),
      audio: audio === null ? null : await writeTrack(audio, audioPath, origin, budget),
    }
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
      if (end - start > MAX_READ_BYTES) throw new Unplayable('a table or packet is too large')
      const { bytesRead, buffer } = await file.read(new Uint8Array(end - start), 0, null, start)
      return buffer.subarray(0, bytesRead)
    },
    prefetchProfile: 'fileSystem',
    handleUnhandledError: () => undefined,
  })
}

/**
 * @param {unknown} error
 * @returns {error is Error}
 */
function isSystemError(error) {
  return error instanceof Error && 'syscall' in error
}
