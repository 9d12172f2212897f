// @ts-check
/**
 * Recognizes the beginning of containers that MediaInfo reads. It searches a file without a known beginning for
 * sync words, which takes seconds of processor time for a few megabytes.
 */
import { Buffer } from 'node:buffer'

/** Bytes that are searched. MXF may have up to 64 KiB before its first key (SMPTE ST 377-1, run-in). */
const SEARCHED_BYTES = 65_536 + 16

/** Signatures at the start of the file, by offset. */
const SIGNATURES = [
  { offset: 0, bytes: Buffer.from([0x1a, 0x45, 0xdf, 0xa3]) }, // Matroska, WebM
  { offset: 8, bytes: Buffer.from('AVI ') },
  { offset: 8, bytes: Buffer.from('AVIX') },
  { offset: 0, bytes: Buffer.from('FLV') },
  { offset: 0, bytes: Buffer.from('LEITCH') }, // LXF
  { offset: 0, bytes: Buffer.from([0, 0, 0, 0, 1, 0xbc]) }, // GXF
]
/** Signatures after which other bytes may come first. */
const KEYS = [
  Buffer.from([0x06, 0x0e, 0x2b, 0x34, 0x02]), // MXF
  Buffer.from([0, 0, 1, 0xba]), // MPEG-PS
]
/** Boxes at the start of MP4 and QuickTime files. */
const BOXES = new Set([
  'ftyp',
  'moov',
  'mdat',
  'free',
  'skip',
  'wide',
  'pnot',
  'uuid',
  'styp',
  'moof',
])

const TS_SYNC = 0x47
/** Distances of the packets of MPEG-TS: plain, with a time code (BDAV), with error correction. */
const TS_PACKET_BYTES = [188, 192, 204]
const TS_PACKETS = 5

/** @param {import('node:fs/promises').FileHandle} file */
export async function hasKnownSignature(file) {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(SEARCHED_BYTES), 0, SEARCHED_BYTES, 0)
  const start = buffer.subarray(0, bytesRead)
  return (
    SIGNATURES.some(({ offset, bytes }) =>
      bytes.equals(start.subarray(offset, offset + bytes.length)),
    ) ||
    BOXES.has(start.toString('latin1', 4, 8)) ||
    KEYS.some((key) => start.includes(key)) ||
    TS_PACKET_BYTES.some((packetBytes) => hasPackets(start, packetBytes))
  )
}

/**
 * Whether packets of this size begin within the first two packets.
 * @param {Buffer} start
 * @param {number} packetBytes
 */
function hasPackets(start, packetBytes) {
  const packets = Array.from({ length: TS_PACKETS }, (_, index) => index * packetBytes)
  for (let at = 0; at < 2 * packetBytes; at += 1) {
    if (packets.every((offset) => start[at + offset] === TS_SYNC)) return true
  }
  return false
}
