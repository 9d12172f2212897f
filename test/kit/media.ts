/** Files for tests: the test card, padded and damaged versions of it, and files that are not videos. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const path = fileURLToPath(new URL('../../src/demo/testcard.mp4', import.meta.url))

/** Six seconds of 640 × 360, H.264 and AAC; ffprobe says the same. */
export const testcard = {
  path,
  bytes: new Uint8Array(readFileSync(path)),
  durationSeconds: 6,
  width: 640,
  height: 360,
}

/** The test card as a file of a form. */
export function testcardFile(name = 'testcard.mp4'): File {
  return new File([testcard.bytes], name, { type: 'video/mp4' })
}

/**
 * The test card with a `free` box at its end, exactly `sizeBytes` long and as playable. The padding
 * is one shared block of zeros, so that 200 MB take little memory.
 */
export function paddedTestcard(sizeBytes: number): Blob {
  const padding = sizeBytes - testcard.bytes.byteLength
  if (padding < 16) throw new Error(`A padded test card has at least 16 bytes more: ${sizeBytes}`)
  // The 64-bit form of a box header: size 1, type, then the true size.
  const header = new DataView(new ArrayBuffer(16))
  header.setUint32(0, 1)
  header.setUint32(4, 0x66_72_65_65)
  header.setBigUint64(8, BigInt(padding))
  const block = new Blob([new Uint8Array(1_048_576)])
  const contentBytes = padding - 16
  const whole = Array.from({ length: Math.floor(contentBytes / block.size) }, () => block)
  const rest = block.slice(0, contentBytes % block.size)
  return new Blob([testcard.bytes, header, ...whole, rest], { type: 'video/mp4' })
}

/** A file that is not a video. */
export function textFile(): File {
  return new File(['These are words and not a film.\n'.repeat(100)], 'words.txt', {
    type: 'text/plain',
  })
}

/** A truncated video: its tables are complete, most of its samples are missing. */
export function damagedVideo(): File {
  return new File([testcard.bytes.slice(0, 100_000)], 'damaged.mp4', { type: 'video/mp4' })
}

/** A video without tables: only the first box is intact. */
export function headlessVideo(): File {
  const bytes = testcard.bytes.slice()
  bytes.fill(0xff, 40, 6000)
  return new File([bytes], 'headless.mp4', { type: 'video/mp4' })
}

/** The test card at a hundred times its speed: 0.06 seconds by the headers. */
export function tooShortVideo(): File {
  const bytes = Buffer.from(testcard.bytes)
  for (const box of ['mvhd', 'mdhd']) {
    for (let at = bytes.indexOf(box); at !== -1; at = bytes.indexOf(box, at + 4)) {
      // Version and flags, creation and modification time, and then the timescale: 32 bits each.
      const timescale = at + 4 + 12
      bytes.writeUInt32BE(bytes.readUInt32BE(timescale) * 100, timescale)
    }
  }
  return new File([bytes], 'fleeting.mp4', { type: 'video/mp4' })
}

/** Zeros, for uploads whose content does not matter. */
export function zeros(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}
