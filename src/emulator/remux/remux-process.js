// @ts-check
/**
 * Child process of remux-file.ts: copies the packets of one media file into CMAF segments, without decoding, and
 * writes their manifests. JavaScript, because Node runs this file unchanged both in the TypeScript sources (tests)
 * and in the build.
 */
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { CustomSource, Input, MATROSKA, MP4, MPEG_TS, QTFF, WEBM } from 'mediabunny'

import { startLimits } from '../child-limits.js'
import { chooseTracks, firstTimestamp, Unplayable } from './choose-tracks.js'
import { dashManifest } from './dash-manifest.js'
import { mediaPlaylist, multivariantPlaylist } from './hls-playlists.js'
import { writeTrack } from './write-track.js'

/**
 * @typedef {{
 *   path: string,
 *   durationSeconds: number,
 *   width: number,
 *   height: number,
 *   folder: string,
 *   maxBytes: number,
 *   timeoutMs: number,
 * }} Job `folder` is for the files to write, `maxBytes` the maximum of all segments together.
 */

// No playlist formats: a playlist would make the emulator open the paths that it contains.
const CONTAINERS = [MP4, QTFF, MATROSKA, WEBM, MPEG_TS]

/** Maximum bytes of a single read. */
const MAX_READ_BYTES = 67_108_864

/** Only the owner may access the files, as with received ones. */
const FILE_MODE = 0o600

const startTimeout = await startLimits()
process.once('message', (/** @type {Job} */ job) => void run(job))

/** @param {Job} job */
async function run(job) {
  startTimeout(job.timeoutMs)
  const result = await remux(job).catch((error) =>
    // An error of the disk must not count as an error of the file.
    isSystemError(error)
      ? { kind: 'failed', message: error.message, code: error.code }
      : {
          kind: 'unplayable',
          reason:
            error instanceof Unplayable ? error.message : 'mediabunny cannot read its packets',
        },
  )
  process.send?.(result, () => process.exit())
}

/** @param {Job} job */
async function remux({ path, durationSeconds, folder, maxBytes, width, height }) {
  const file = await open(path, 'r')
  const input = new Input({ formats: CONTAINERS, source: createSource(file) })
  try {
    if (!(await input.canRead())) throw new Unplayable('mediabunny cannot read its container')
    const tracks = await chooseTracks(input)
    const origin = await firstTimestamp(tracks.video, tracks.audio)
    const budget = { bytes: maxBytes }
    /**
     * Writes the file of a track, and its index.
     * @param {'video' | 'audio'} name
     * @param {import('./write-track.js').Track} track
     */
    const write = async (name, track) => {
      const segmentsPath = join(folder, `${name}.mp4`)
      const rendition = await writeTrack(track, segmentsPath, { origin, durationSeconds }, budget)
      await save(`${name}.index`, segmentIndex(rendition))
      return rendition
    }
    /**
     * @param {string} name
     * @param {string | Buffer} content
     */
    const save = (name, content) => writeFile(join(folder, name), content, { mode: FILE_MODE })
    const video = await write('video', tracks.video)
    const audio = tracks.audio === null ? null : await write('audio', tracks.audio)
    await save('video.m3u8', multivariantPlaylist(video, audio, { width, height }))
    await save('stream.m3u8', mediaPlaylist('video', video))
    if (audio !== null) await save('audio.m3u8', mediaPlaylist('audio', audio))
    await save('video.mpd', dashManifest(video, audio, { width, height }))
    return { kind: 'remuxed' }
  } finally {
    input.dispose()
    await file.close()
  }
}

/**
 * Returns the offsets of the initialization segment and of each media segment in their file, and the file's size, as
 * 64-bit big-endian numbers.
 * @param {import('./write-track.js').Rendition} rendition
 */
function segmentIndex({ initBytes, segments }) {
  const index = Buffer.alloc(8 * (segments.length + 2))
  let offset = initBytes
  index.writeBigUInt64BE(BigInt(offset), 8)
  for (const [number, { bytes }] of segments.entries()) {
    offset += bytes
    index.writeBigUInt64BE(BigInt(offset), 8 * (number + 2))
  }
  return index
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
 * @returns {error is NodeJS.ErrnoException}
 */
function isSystemError(error) {
  return error instanceof Error && 'syscall' in error
}
