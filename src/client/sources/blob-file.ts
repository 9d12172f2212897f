/** Blobs, Files and arrays of bytes. */
import { type SourceFile, readName, readableFile } from './source-file.ts'

export function openBlob(blob: Blob): SourceFile {
  return {
    ...readableFile(blob.size, async (start, end) => blob.slice(start, end)),
    name: 'name' in blob ? readName(blob.name) : undefined,
    type: blob.type,
    lastModified:
      'lastModified' in blob && typeof blob.lastModified === 'number' ? blob.lastModified : null,
    blob,
  }
}

export function openBytes(bytes: Uint8Array): SourceFile {
  // A copy: shared memory cannot be sent, and may change during the transfer.
  return readableFile(bytes.byteLength, async (start, end) =>
    Uint8Array.from(bytes.subarray(start, end)),
  )
}
