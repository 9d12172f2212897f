// @ts-check
/**
 * Detects tables in an MP4 or QuickTime file that declare more samples or chunks than the file has
 * bytes. Parsers expand such tables: eight bytes can declare four billion samples.
 * ISO/IEC 14496-12, 8.6 to 8.8.
 */
import { readSync } from 'node:fs'

/** Boxes that mediabunny searches for nested boxes. */
const CONTAINERS = new Set(
  'moov trak mdia minf dinf stbl edts sinf schi mvex moof traf mfra'.split(' '),
)
/** Maximum nesting of valid tables; a file with deeper boxes counts as impossible too. */
const MAX_DEPTH = 8
/** Maximum top-level boxes to check; long fragmented files have more. The reader's limits apply to the rest. */
const MAX_TOP_BOXES = 10_000
/** Maximum size of a box to check. The reader's limits apply to larger ones. */
const MAX_BOX_BYTES = 67_108_864

/**
 * Returns whether a table declares more samples or chunks than the file has bytes. Returns false for other
 * containers. Reads synchronously.
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
      if (maxDeclaredCount(content, MAX_DEPTH) > fileBytes) return true
    }
    at += box.bytes
  }
  return false
}

/**
 * Returns the largest number of samples or chunks that a table in these boxes declares.
 * @param {Buffer} bytes
 * @param {number} depth
 * @returns {number}
 */
function maxDeclaredCount(bytes, depth) {
  if (depth < 0) return Number.POSITIVE_INFINITY
  let max = 0
  for (let at = 0; at + 8 <= bytes.length;) {
    const box = readHeader(bytes, at, bytes.length - at)
    if (box === null) break
    const content = bytes.subarray(at + box.headerBytes, at + box.bytes)
    const count = CONTAINERS.has(box.type)
      ? maxDeclaredCount(content, depth - 1)
      : declaredCount(box.type, content)
    max = Math.max(max, count)
    at += box.bytes
  }
  return max
}

/**
 * @param {string} type
 * @param {Buffer} content starts with version and flags
 */
function declaredCount(type, content) {
  switch (type) {
    // Runs of samples: count, value.
    case 'stts':
    case 'ctts':
      return entriesOf(content, 8).reduce((sum, count) => sum + count, 0)
    // First chunk, samples per chunk, description.
    case 'stsc':
      return samplesInChunks(content)
    // One size for all samples, or one per sample. A common size is not expanded.
    case 'stsz':
      return uint32At(content, 4) === 0 ? uint32At(content, 8) : 0
    case 'stz2':
      return uint32At(content, 8)
    case 'trun':
      return uint32At(content, 4)
    default:
      return 0
  }
}

/**
 * Returns the number of samples in all runs of chunks, or the first chunk number of a run if that is larger.
 * The last run counts as one chunk, because another table holds its number of chunks.
 * @param {Buffer} content of an `stsc` box
 */
function samplesInChunks(content) {
  const firstChunks = entriesOf(content, 12)
  const samplesPerChunk = entriesOf(content, 12, 4)
  const samples = firstChunks.reduce((sum, first, index) => {
    const chunks = Math.max(1, (firstChunks[index + 1] ?? first) - first)
    return sum + chunks * (samplesPerChunk[index] ?? 0)
  }, 0)
  return firstChunks.reduce((max, first) => Math.max(max, first), samples)
}

/**
 * Returns one 32-bit field of each present entry, regardless of the declared count.
 * @param {Buffer} content
 * @param {number} entryBytes
 * @param {number} [fieldOffset] bytes from the start of the entry; the first field if omitted
 */
function entriesOf(content, entryBytes, fieldOffset = 0) {
  const count = Math.min(
    uint32At(content, 4),
    Math.max(0, Math.floor((content.length - 8) / entryBytes)),
  )
  return Array.from({ length: count }, (_, index) =>
    content.readUInt32BE(8 + index * entryBytes + fieldOffset),
  )
}

/**
 * @param {Buffer} content
 * @param {number} offset
 */
function uint32At(content, offset) {
  return content.length >= offset + 4 ? content.readUInt32BE(offset) : 0
}

/**
 * Returns the header of the box at `at`; null if the box is invalid.
 * @param {Buffer} bytes
 * @param {number} at
 * @param {number} available bytes up to the end of the enclosing box or file
 */
function readHeader(bytes, at, available) {
  const type = bytes.toString('latin1', at + 4, at + 8)
  const size = bytes.readUInt32BE(at)
  const isLong = size === 1
  const headerBytes = isLong ? 16 : 8
  if (available < headerBytes) return null
  // Size 0: the box extends to the end.
  const boxBytes = isLong ? Number(bytes.readBigUInt64BE(at + 8)) : size === 0 ? available : size
  return boxBytes < headerBytes ? null : { type, headerBytes, bytes: boxBytes }
}
