// @ts-check
/** Reads the boxes of MP4 and QuickTime files. ISO/IEC 14496-12, 4.2. */
import { readSync } from 'node:fs'

/** Maximum size of a box whose content is read. */
const MAX_BOX_BYTES = 67_108_864

/**
 * @typedef {{ type: string, at: number, headerBytes: number, bytes: number }} Box `bytes` includes the header
 */

/**
 * Yields the headers of the boxes at the top of a file. Stops at the first invalid header.
 * @param {number} descriptor of the open file
 * @param {number} fileBytes
 * @returns {Generator<Box>}
 */
export function* topBoxes(descriptor, fileBytes) {
  const header = Buffer.alloc(16)
  for (let at = 0; at + 8 <= fileBytes;) {
    header.fill(0)
    readSync(descriptor, header, 0, 16, at)
    const box = readHeader(header, 0, fileBytes - at)
    if (box === null) return
    yield { ...box, at }
    at += box.bytes
  }
}

/**
 * Reads a box at the top of a file with its header. Returns null if the box is too large, or extends beyond the
 * end of the file.
 * @param {number} descriptor of the open file
 * @param {number} fileBytes
 * @param {Box} box
 */
export function readBox(descriptor, fileBytes, box) {
  if (box.bytes > MAX_BOX_BYTES || box.at + box.bytes > fileBytes) return null
  const bytes = Buffer.alloc(box.bytes)
  readSync(descriptor, bytes, 0, box.bytes, box.at)
  return bytes
}

/**
 * Yields each box with its content. Stops at the first invalid header; a box is truncated at the end of `bytes`.
 * @param {Buffer} bytes
 * @returns {Generator<{ type: string, content: Buffer }>}
 */
export function* nestedBoxes(bytes) {
  for (let at = 0; at + 8 <= bytes.length;) {
    const box = readHeader(bytes, at, bytes.length - at)
    if (box === null) return
    yield { type: box.type, content: bytes.subarray(at + box.headerBytes, at + box.bytes) }
    at += box.bytes
  }
}

/**
 * Returns an empty buffer if there is no box of this type.
 * @param {Buffer} bytes
 * @param {string} wanted
 */
export function contentOfType(bytes, wanted) {
  for (const { type, content } of nestedBoxes(bytes)) if (type === wanted) return content
  return Buffer.alloc(0)
}

/**
 * Returns one 32-bit field of each present entry of a table, regardless of the declared count.
 * @param {Buffer} content starts with version and flags, then the number of entries
 * @param {number} entryBytes
 * @param {number} [fieldOffset] bytes from the start of the entry; the first field if omitted
 */
export function entriesOf(content, entryBytes, fieldOffset = 0) {
  const count = Math.min(
    uint32At(content, 4),
    Math.max(0, Math.floor((content.length - 8) / entryBytes)),
  )
  return Array.from({ length: count }, (_, index) =>
    content.readUInt32BE(8 + index * entryBytes + fieldOffset),
  )
}

/**
 * Returns 0 beyond the end.
 * @param {Buffer} content
 * @param {number} offset
 */
export function uint32At(content, offset) {
  return content.length >= offset + 4 ? content.readUInt32BE(offset) : 0
}

/**
 * Returns 0 beyond the end.
 * @param {Buffer} content
 * @param {number} offset
 */
export function uint64At(content, offset) {
  return content.length >= offset + 8 ? Number(content.readBigUInt64BE(offset)) : 0
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
