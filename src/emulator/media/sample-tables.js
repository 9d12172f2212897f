// @ts-check
/**
 * Detects tables in an MP4 or QuickTime file that declare more samples or chunks than the file has
 * bytes. Parsers expand such tables: eight bytes can declare four billion samples.
 * ISO/IEC 14496-12, 8.6 to 8.8.
 */
import { entriesOf, nestedBoxes, readBox, topBoxes, uint32At } from './boxes.js'

/** Boxes that mediabunny searches for nested boxes. */
const CONTAINERS = new Set(
  'moov trak mdia minf dinf stbl edts sinf schi mvex moof traf mfra'.split(' '),
)
/** Maximum nesting of valid tables; a file with deeper boxes counts as impossible too. */
const MAX_DEPTH = 8
/** Maximum top-level boxes to check; long fragmented files have more. The reader's limits apply to the rest. */
const MAX_TOP_BOXES = 10_000
/**
 * Returns whether a table declares more samples or chunks than the file has bytes. Returns false for other
 * containers. Reads synchronously.
 * @param {number} descriptor of the open file
 * @param {number} fileBytes
 */
export function hasImpossibleTables(descriptor, fileBytes) {
  let boxes = 0
  for (const box of topBoxes(descriptor, fileBytes)) {
    boxes += 1
    if (boxes > MAX_TOP_BOXES) return false
    // The reader's limits apply to larger boxes.
    const content = CONTAINERS.has(box.type) ? readBox(descriptor, fileBytes, box) : null
    if (content !== null && maxDeclaredCount(content, MAX_DEPTH) > fileBytes) return true
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
  for (const { type, content } of nestedBoxes(bytes)) {
    const count = CONTAINERS.has(type)
      ? maxDeclaredCount(content, depth - 1)
      : declaredCount(type, content)
    max = Math.max(max, count)
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
