/** Enlarges a video file without changing its duration or playback. */
import { copyFile, open, stat } from 'node:fs/promises'

/** Size of a box header in bytes: a 32-bit size and a four-letter type. */
const HEADER_BYTES = 8

/**
 * Copies an MP4 and appends one `free` box up to `sizeBytes`. "The contents of a free-space box are
 * irrelevant and may be ignored" (ISO/IEC 14496-12, 8.1.2): players skip it.
 */
export async function padVideo(from: string, to: string, sizeBytes: number): Promise<void> {
  const { size } = await stat(from)
  const boxBytes = sizeBytes - size
  if (boxBytes < HEADER_BYTES || boxBytes > 0xffff_ffff) {
    throw new RangeError(`A box of ${boxBytes} bytes cannot fill ${size} bytes up to ${sizeBytes}.`)
  }
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32BE(boxBytes, 0)
  header.write('free', 4, 'ascii')
  await copyFile(from, to)
  const file = await open(to, 'r+')
  try {
    await file.write(header, 0, HEADER_BYTES, size)
    // The rest is zeros; a sparse file takes no disk space for them.
    await file.truncate(sizeBytes)
  } finally {
    await file.close()
  }
}
