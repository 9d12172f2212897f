/** Small valid files that cost much, or whose headers lie about their duration. */
import { join } from 'node:path'

import Database from 'better-sqlite3'

import { box, u32, writeMp4, type Mp4Options } from '../../kit/mp4.ts'

export const FRAME_BYTES = 8

/**
 * A video of 640 × 360 with this many key frames. All frames are the same eight bytes of the file: an IDR picture as
 * far as its header tells.
 */
export function keyFrames(
  count: number,
  secondsEach: number,
  edits: Mp4Options['edits'] = [],
): Buffer<ArrayBuffer> {
  return sameFrame(count, {
    video: (at) => [
      box('stts', u32(0, 1, count, secondsEach * 1000)),
      box('stsc', u32(0, 1, 1, 1, 1)),
      box('stsz', u32(0, FRAME_BYTES, count)),
      box('stco', u32(0, count, ...Array.from({ length: count }, () => at))),
    ],
    edits,
  })
}

/** Writes a movie whose samples are all the first bytes of its media. The file has a byte for each sample. */
export function sameFrame(count: number, options: Mp4Options): Buffer<ArrayBuffer> {
  const movie = writeMp4({ ...options, padding: count })
  writeFrame(movie, movie.indexOf('mdat') + 4, FRAME_BYTES)
  return movie
}

/** Writes the length and the header of an IDR picture, which is as far as it tells. */
function writeFrame(movie: Buffer, at: number, frameBytes: number): void {
  movie.writeUInt32BE(frameBytes - 4, at)
  movie.writeUInt8(0x65, at + 4)
}

/** A video of this many key frames, all of which are the same bytes of the file. */
export function largeFrames(
  count: number,
  frameBytes: number,
  millisecondsEach: number,
): Buffer<ArrayBuffer> {
  const movie = writeMp4({
    video: (at) => [
      box('stts', u32(0, 1, count, millisecondsEach)),
      box('stsc', u32(0, 1, 1, 1, 1)),
      box('stsz', u32(0, frameBytes, count)),
      box('stco', u32(0, count, ...Array.from({ length: count }, () => at))),
    ],
    padding: frameBytes,
  })
  writeFrame(movie, movie.indexOf('mdat') + 4, frameBytes)
  return movie
}

/** A video of this many key frames of 8 bytes each, all in one chunk: for each, the reader adds up the sizes of all. */
export function oneChunk(count: number, millisecondsEach: number): Buffer<ArrayBuffer> {
  const movie = writeMp4({
    video: (at) => [
      box('stts', u32(0, 1, count, millisecondsEach)),
      box('stsc', u32(0, 1, 1, count, 1)),
      box('stsz', u32(0, 0, count, ...Array.from({ length: count }, () => FRAME_BYTES))),
      box('stco', u32(0, 1, at)),
    ],
    padding: count * FRAME_BYTES,
  })
  const at = movie.indexOf('mdat') + 4
  for (let frame = 0; frame < count; frame += 1)
    writeFrame(movie, at + frame * FRAME_BYTES, FRAME_BYTES)
  return movie
}

/** Sets the duration in the media header of the first track. The file is edited in place. */
export function withMediaDuration(
  movie: Buffer<ArrayBuffer>,
  seconds: number,
): Buffer<ArrayBuffer> {
  const header = movie.indexOf('mdhd') + 4
  movie.writeUInt32BE(seconds * movie.readUInt32BE(header + 12), header + 16)
  return movie
}

/** Writes the header of an EBML element with a size of eight bytes. RFC 8794 */
export function elementHeader(id: number, sizeBytes: number): Buffer {
  const size = Buffer.alloc(8)
  size.writeBigUInt64BE(BigInt(sizeBytes))
  size.writeUInt8(1)
  return Buffer.concat([Buffer.from(id.toString(16), 'hex'), size])
}

const noTables = () => [
  box('stts', u32(0, 0)),
  box('stsc', u32(0, 0)),
  box('stsz', u32(0, 0, 0)),
  box('stco', u32(0, 0)),
]
/** A movie whose samples are in its fragments alone. */
export const fragmented = {
  video: noTables,
  movieBoxes: [box('mvex', box('trex', u32(0, 1, 1, 1000, 1, 0)))],
}

/** 500,000 equal index entries, each of which the reader removes from a list; this would take hours. */
export const equalFragments = writeMp4({ ...fragmented, fragments: [indexOfFragments(500_000)] })

/** An `mfra` box; its last four bytes are its own size. */
function indexOfFragments(entries: number): Buffer {
  const table = box('tfra', u32(0, 1, 0, entries), Buffer.alloc(entries * 11))
  return box('mfra', table, box('mfro', u32(0, table.length + 24)))
}

/** Returns the uids of the files that are being read, from the database. */
export function filesBeingRead(directory: string): unknown[] {
  const database = new Database(join(directory, 'emulator.db'), { readonly: true })
  try {
    return database.prepare('SELECT uid FROM media_readings').pluck().all()
  } finally {
    database.close()
  }
}
