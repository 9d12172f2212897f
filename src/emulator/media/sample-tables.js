// @ts-check
/**
 * Finds tables in an MP4 or QuickTime file that stand for more samples or chunks than the file has
 * bytes. A reader expands such tables: eight bytes may say four billion samples.
 * ISO/IEC 14496-12, 8.6 to 8.8.
 */
import { readSync } from 'node:fs'

/** Boxes in which mediabunny looks for boxes. */
const CONTAINERS = new Set(
  'moov trak mdia minf dinf stbl edts sinf schi mvex moof traf mfra'.split(' '),
)
/** The tables of a file are at most so deep; deeper boxes make it impossible as well. */
const MAX_DEPTH = 8
/** A longer file of fragments is left to the limits of the reader. */
const MAX_TOP_BOXES = 10_000
/** Larger ones are left to the limits of the reader, in bytes. */
const MAX_BOX_BYTES = 67_108_864

/**
 * True only for a file that is no valid one. False also for other containers.
 * @param {number} descriptor of the open file
 * @param {number} fileBytes
 */
export function hasImpossibleTables(descriptor, fileBytes) {
  const header = Buffer.alloc(16)
  for (let at = 0, boxes = 0; at + 8 <= fileBytes && boxes < MAX_TOP_BOXES; boxes += 1) {
    header.fill(0)
    readSync(descriptor, header, 0, 16, at)
    const box = readHeader(header, 0, fileBytes - at)
    if (box === null) return false
    if (CONTAINERS.has(box.type) && box.bytes <= MAX_BOX_BYTES && at + box.bytes <= fileBytes) {
      const content = Buffer.alloc(box.bytes)
      readSync(descriptor, content, 0, box.bytes, at)
      if (mostCounted(content, MAX_DEPTH) > fileBytes) return true
    }
    at += box.bytes
  }
  return false
}

/**
 * The largest number that a table in these boxes counts to.
 * @param {Buffer} bytes
 * @param {number} depth
 * @returns {number}
 */
function mostCounted(bytes, depth) {
  if (depth < 0) return Number.POSITIVE_INFINITY
  let most = 0
  for (let at = 0; at + 8 <= bytes.length;) {
    const box = readHeader(bytes, at, bytes.length - at)
    if (box === null) break
    const content = bytes.subarray(at + box.headerBytes, at + box.bytes)
    const counted = CONTAINERS.has(box.type)
      ? mostCounted(content, depth - 1)
      : countIn(box.type, content)
    most = Math.max(most, counted)
    at += box.bytes
  }
  return most
}

/**
 * @param {string} type
 * @param {Buffer} content version and flags first
 */
function countIn(type, content) {
  switch (type) {
    // Run lengths of samples: count, value.
    case 'stts':
    case 'ctts':
      return entriesOf(content, 8).reduce((sum, count) => sum + count, 0)
    // First chunk, samples in each, description.
    case 'stsc':
      return entriesOf(content, 12).reduce((last, first) => Math.max(last, first), 0)
    // The size of all samples, or of each: one that all have is not expanded.
    case 'stsz':
      return wordAt(content, 4) === 0 ? wordAt(content, 8) : 0
    case 'stz2':
      return wordAt(content, 8)
    case 'trun':
      return wordAt(content, 4)
    default:
      return 0
  }
}

/**
 * The first word of each entry that is there, however many are announced.
 * @param {Buffer} content
 * @param {number} entryBytes
 */
function entriesOf(content, entryBytes) {
  const count = Math.min(
    wordAt(content, 4),
    Math.max(0, Math.floor((content.length - 8) / entryBytes)),
  )
  return Array.from({ length: count }, (_, index) => content.readUInt32BE(8 + index * entryBytes))
}

/**
 * @param {Buffer} content
 * @param {number} offset
 */
function wordAt(content, offset) {
  return content.length >= offset + 4 ? content.readUInt32BE(offset) : 0
}

/**
 * Null where no box begins.
 * @param {Buffer} bytes
 * @param {number} at
 * @param {number} room bytes up to the end of what holds the box
 */
function readHeader(bytes, at, room) {
  const type = bytes.toString('latin1', at + 4, at + 8)
  const size = bytes.readUInt32BE(at)
  const isLong = size === 1
  const headerBytes = isLong ? 16 : 8
  if (room < headerBytes) return null
  // 0: up to the end.
  const boxBytes = isLong ? Number(bytes.readBigUInt64BE(at + 8)) : size === 0 ? room : size
  return boxBytes < headerBytes ? null : { type, headerBytes, bytes: boxBytes }
}
