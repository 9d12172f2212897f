/** Blobs, Files and arrays of bytes. */
import { type SourceFile, readName, sampleOfEnds } from './source-file.ts'

export function openBlob(blob: Blob): SourceFile {
  const { size } = blob
  const read: SourceFile['read'] = async (start, end) => blob.slice(start, end)
  return {
    size,
    name: 'name' in blob ? readName(blob.name) : undefined,
    type: blob.type,
    lastModified:
      'lastModified' in blob && typeof blob.lastModified === 'number' ? blob.lastModified : null,
    read,
    sample: () => sampleOfEnds({ size, read }),
    blob,
    nativePart: null,
    isRepeatable: true,
    close() {},
  }
}

export function openBytes(bytes: Uint8Array): SourceFile {
  const size = bytes.byteLength
  // A copy: shared memory cannot be sent, and may change during the transfer.
  const read: SourceFile['read'] = async (start, end) => Uint8Array.from(bytes.subarray(start, end))
  return {
    size,
    name: undefined,
    type: '',
    lastModified: null,
    read,
    sample: () => sampleOfEnds({ size, read }),
    blob: null,
    nativePart: null,
    isRepeatable: true,
    close() {},
  }
}
