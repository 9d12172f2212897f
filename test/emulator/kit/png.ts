/** Writes the start of a PNG file, which has all that a watermark profile reads of it. */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/** @param bytes size of the file: header, image header, and zeros */
export function writePng(width: number, height: number, bytes = 100): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(bytes)
  const view = new DataView(file.buffer)
  file.set(SIGNATURE)
  view.setUint32(8, 13)
  file.set(new TextEncoder().encode('IHDR'), 12)
  view.setUint32(16, width)
  view.setUint32(20, height)
  return file
}
