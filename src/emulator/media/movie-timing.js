// @ts-check
/**
 * Duration and completeness of MP4 and QuickTime files. Reads only boxes that describe samples, so that damage
 * in other boxes does not matter. ISO/IEC 14496-12, 8.6 to 8.8.
 */
import { inflateSync } from 'node:zlib'

import {
  contentOfType,
  entriesOf,
  nestedBoxes,
  readBox,
  topBoxes,
  uint32At,
  uint64At,
} from './boxes.js'
import { addFragment } from './movie-fragments.js'

/**
 * @typedef {import('./movie-fragments.js').Track} Track
 * @typedef {import('./movie-fragments.js').Edit} Edit
 * @typedef {import('./movie-fragments.js').Movie} Movie
 */

/** Duration of an edit or a media that means "unknown". */
const UNKNOWN_DURATION = 0xff_ff_ff_ff
/** Maximum size of a compressed movie after it is inflated. */
const MAX_INFLATED_BYTES = 16_777_216
const MAX_INT32 = 0x7f_ff_ff_ff
/** Maximum boxes before the movie; other containers can look like endless boxes. */
const MAX_BOXES_BEFORE_MOVIE = 10_000
/** Media time of an edit that presents nothing. */
const EMPTY_EDIT = -1

/**
 * Returns null for other containers, and for a file whose movie is missing or truncated.
 * @param {number} descriptor of the open file
 * @param {number} fileBytes
 * @returns {{ durationSeconds: number | null, isWhole: boolean } | null} `isWhole` is false if samples are
 * missing: there are none of a video, or they are beyond the end of the file
 */
export function readMovieTiming(descriptor, fileBytes) {
  /** @type {Movie | null} */
  let movie = null
  let end = 0
  let boxes = 0
  for (const box of topBoxes(descriptor, fileBytes)) {
    boxes += 1
    if (movie === null && boxes > MAX_BOXES_BEFORE_MOVIE) return null
    const isFragment = box.type === 'moof'
    if (isFragment ? movie !== null : box.type === 'moov' && movie === null) {
      const content = readBox(descriptor, fileBytes, box)?.subarray(box.headerBytes)
      if (content === undefined) return null
      if (movie === null) movie = readMovie(inflated(content))
      else addFragment(movie, content)
    }
    if (box.type === 'mdat') end = box.at + box.bytes
  }
  if (movie === null) return null
  const tracks = movie.tracks.filter(({ handler }) => handler === 'vide' || handler === 'soun')
  const hasFragments = tracks.some(({ fragmentsEnd }) => fragmentsEnd !== null)
  const durations = tracks.map((track) => trackSeconds(track, movie.timescale, startOf(tracks)))
  const duration = Math.max(0, ...durations)
  return {
    durationSeconds: duration > 0 ? duration : null,
    isWhole:
      tracks.some((track) => track.handler === 'vide' && hasSamples(track)) &&
      tracks.every(({ lastByte }) => lastByte <= fileBytes) &&
      (!hasFragments || end <= fileBytes),
  }
}

/**
 * Returns the content of the movie box, which QuickTime can compress.
 * @param {Buffer} content of `moov`
 */
function inflated(content) {
  const compressed = contentOfType(contentOfType(content, 'cmov'), 'cmvd')
  if (compressed.length === 0) return content
  try {
    // The inflated size, and then a whole `moov`.
    const movie = inflateSync(compressed.subarray(4), { maxOutputLength: MAX_INFLATED_BYTES })
    return contentOfType(movie, 'moov')
  } catch {
    return content
  }
}

/** @param {Track} track */
function hasSamples({ sampleCount, fragmentsEnd }) {
  return sampleCount > 0 || fragmentsEnd !== null
}

/**
 * @param {Buffer} bytes content of `moov`
 * @returns {Movie}
 */
function readMovie(bytes) {
  const boxes = [...nestedBoxes(bytes)]
  const header = contentOfType(bytes, 'mvhd')
  const defaults = [...nestedBoxes(contentOfType(bytes, 'mvex'))].filter(
    ({ type }) => type === 'trex',
  )
  return {
    timescale: uint32At(header, header[0] === 1 ? 20 : 12),
    tracks: boxes.filter(({ type }) => type === 'trak').map(({ content }) => readTrack(content)),
    defaultDurations: new Map(
      defaults.map(({ content }) => [uint32At(content, 4), uint32At(content, 12)]),
    ),
  }
}

/**
 * @param {Buffer} bytes content of `trak`
 * @returns {Track}
 */
function readTrack(bytes) {
  const boxes = new Map(descendants(bytes))
  /** @param {string} type */
  const contentOf = (type) => boxes.get(type) ?? Buffer.alloc(0)
  const [trackHeader, mediaHeader] = [contentOf('tkhd'), contentOf('mdhd')]
  const isLong = mediaHeader[0] === 1
  const mediaDuration = isLong ? uint64At(mediaHeader, 24) : uint32At(mediaHeader, 16)
  const counts = entriesOf(contentOf('stts'), 8)
  const deltas = entriesOf(contentOf('stts'), 8, 4)
  const sizes = boxes.get('stsz') ?? contentOf('stz2')
  return {
    id: uint32At(trackHeader, trackHeader[0] === 1 ? 20 : 12),
    handler: contentOf('hdlr').toString('latin1', 8, 12),
    timescale: uint32At(mediaHeader, isLong ? 20 : 12),
    mediaDuration: mediaDuration >= UNKNOWN_DURATION ? 0 : mediaDuration,
    edits: readEdits(contentOf('elst')),
    sampleCount: uint32At(sizes, 8),
    samplesDuration: counts.reduce((sum, count, index) => sum + count * (deltas[index] ?? 0), 0),
    lastByte: lastByteOf(boxes),
    firstOffset: entriesOf(contentOf('ctts'), 8, 4)[0] ?? null,
    fragmentsStart: null,
    fragmentsEnd: null,
  }
}

/**
 * Yields the boxes of a track that describe its samples.
 * @param {Buffer} bytes
 * @returns {Generator<[string, Buffer]>}
 */
function* descendants(bytes) {
  for (const { type, content } of nestedBoxes(bytes)) {
    if (['mdia', 'minf', 'stbl', 'edts'].includes(type)) yield* descendants(content)
    else yield [type, content]
  }
}

/**
 * @param {Buffer} content of `elst`
 * @returns {readonly Edit[]}
 */
function readEdits(content) {
  const isLong = content[0] === 1
  const entryBytes = isLong ? 20 : 12
  return entriesOf(content, entryBytes).map((duration, index) => {
    const at = 8 + index * entryBytes
    return isLong
      ? { duration: uint64At(content, at), mediaTime: Number(content.readBigInt64BE(at + 8)) }
      : { duration, mediaTime: content.readInt32BE(at + 4) }
  })
}

/**
 * Returns the end of the last chunk in the file, or 0 without chunks.
 * @param {ReadonlyMap<string, Buffer>} boxes
 */
function lastByteOf(boxes) {
  const [long, short] = [boxes.get('co64'), boxes.get('stco')]
  const offsets =
    long === undefined
      ? entriesOf(short ?? Buffer.alloc(0), 4)
      : entriesOf(long, 8).map((high, index) => high * 2 ** 32 + uint32At(long, 12 + index * 8))
  const lastOffset = offsets.at(-1)
  if (lastOffset === undefined) return 0
  const samplesInChunk = entriesOf(boxes.get('stsc') ?? Buffer.alloc(0), 12, 4).at(-1) ?? 1
  const table = boxes.get('stsz') ?? Buffer.alloc(0)
  const commonSize = uint32At(table, 4)
  const count = Math.min(samplesInChunk, uint32At(table, 8))
  if (commonSize > 0) return lastOffset + commonSize * count
  // The entries start after the common size and the count.
  const sizes = entriesOf(table.subarray(4), 4).slice(-count)
  const lastChunk = lastOffset + (count === 0 ? 0 : sizes.reduce((sum, size) => sum + size, 0))
  return offsets.reduce((max, offset) => Math.max(max, offset), lastChunk)
}

/**
 * Returns the time in seconds at which the first fragment begins: a recording of a live stream does not begin at
 * zero, and players begin with its first frame. Returns 0 if samples precede the fragments.
 * @param {readonly Track[]} tracks
 */
function startOf(tracks) {
  const starts = tracks
    .filter(({ timescale, fragmentsStart }) => timescale > 0 && fragmentsStart !== null)
    .map(({ timescale, fragmentsStart }) => (fragmentsStart ?? 0) / timescale)
  const hasSamplesBefore = tracks.some(({ sampleCount }) => sampleCount > 0)
  return hasSamplesBefore || starts.length === 0 ? 0 : Math.min(...starts)
}

/**
 * Returns the time of a track's end in the presentation, after its edits.
 * @param {Track} track
 * @param {number} movieTimescale
 * @param {number} start time in seconds of the media that is presented first
 */
function trackSeconds(track, movieTimescale, start) {
  if (track.timescale === 0) return 0
  const { firstOffset, fragmentsEnd, mediaDuration, samplesDuration } = track
  const units =
    fragmentsEnd === null
      ? samplesDuration || mediaDuration
      : Math.max(fragmentsEnd, samplesDuration)
  const mediaSeconds = units / track.timescale - start
  if (movieTimescale === 0) return mediaSeconds
  // Negative offsets, as 32-bit numbers, do not delay the presentation.
  const offset = firstOffset === null || firstOffset > MAX_INT32 ? 0 : firstOffset
  const lastEdit = track.edits.findLastIndex(({ mediaTime }) => mediaTime !== EMPTY_EDIT)
  if (lastEdit === -1) return mediaSeconds
  const presented = track.edits
    .slice(0, lastEdit + 1)
    .reduce((sum, { duration, mediaTime }, index) => {
      const seconds = duration / movieTimescale
      if (mediaTime === EMPTY_EDIT) return sum + seconds
      const editStart = (mediaTime - offset) / track.timescale
      const remaining = Math.max(0, mediaSeconds - editStart)
      // An edit of duration 0 extends to the end; the last edit of a fragmented movie does not know its fragments.
      const isOpen = duration === 0 || (fragmentsEnd !== null && index === lastEdit)
      return sum + (isOpen ? remaining : Math.min(seconds, remaining))
    }, 0)
  // Edits of times that the media does not have are damage in the list.
  return presented > 0 ? presented : mediaSeconds
}
