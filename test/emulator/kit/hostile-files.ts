/** Small valid files that cost much, or whose headers lie about their duration. */
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
  const at = movie.indexOf('mdat') + 4
  movie.writeUInt32BE(FRAME_BYTES - 4, at)
  movie.writeUInt8(0x65, at + 4)
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
