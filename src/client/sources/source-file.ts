/** A file that the client reads, whatever its source is. */
import { isObject } from '../shape.ts'
import { uploadError } from '../upload-error.ts'

/** Bytes of a file, in memory or on the disk of the platform. */
export type FileBytes = Blob | Uint8Array<ArrayBuffer>

/** An opened `UploadSource`. */
export interface SourceFile {
  readonly size: number
  /** Well-formed Unicode; undefined without a name. */
  readonly name: string | undefined
  /** Media type; empty if unknown. */
  readonly type: string
  /** Milliseconds since 1970; null if unknown. */
  readonly lastModified: number | null
  /**
   * Returns the bytes from `start` to before `end`. A stream cannot return bytes before the last range again.
   * @throws UploadError SOURCE_FAILED, SOURCE_CONSUMED; the signal's reason on abort
   */
  read(start: number, end: number, signal?: AbortSignal): Promise<FileBytes>
  /** Returns the bytes that distinguish the file from others, as at most two ranges. */
  readonly sample: (signal?: AbortSignal) => Promise<readonly FileBytes[]>
  /** The file as a Blob; null if it is not one. */
  readonly blob: Blob | null
  /** What FormData of React Native sends from the disk; null if the file has to be read. */
  readonly nativePart: NativePart | null
  /** False if a broken POST cannot be sent again, because the bytes cannot be read again. */
  readonly isRepeatable: boolean
  /** Frees what the client opened. Pending reads end. */
  close(): void
}

/** Value of a form field in React Native. */
export interface NativePart {
  readonly uri: string
  readonly name: string
  readonly type: string
}

/** Bytes at each end of a file that tell it from another one: enough for any two videos. */
const SAMPLE_BYTES = 65_536

/** Returns a file without properties whose bytes can be read again, in any order. `close` frees nothing. */
export function readableFile(size: number, read: SourceFile['read']): SourceFile {
  return {
    size,
    name: undefined,
    type: '',
    lastModified: null,
    read,
    sample: async () => [
      await read(0, Math.min(SAMPLE_BYTES, size)),
      await read(Math.min(Math.max(SAMPLE_BYTES, size - SAMPLE_BYTES), size), size),
    ],
    blob: null,
    nativePart: null,
    isRepeatable: true,
    close() {},
  }
}

/** Returns the name as well-formed Unicode; undefined for an empty name and for every other value. */
export function readName(name: unknown): string | undefined {
  return typeof name === 'string' && name !== ''
    ? name.replaceAll(/\p{Surrogate}/gu, '\uFFFD')
    : undefined
}

/** Returns the media type as a Blob would have it; empty if it is not printable ASCII. */
export function readType(type: unknown): string {
  return typeof type === 'string' && /^[ -~]*$/.test(type) ? type.toLowerCase() : ''
}

/** Also recognizes files of other windows, which have another class. */
export function isBlob(value: unknown): value is Blob {
  const tag = Object.prototype.toString.call(value)
  return value instanceof Blob || tag === '[object Blob]' || tag === '[object File]'
}

/** Whether the value has these methods. */
export function hasMethods(value: unknown, ...names: readonly string[]): boolean {
  return isObject(value) && names.every((name) => typeof value[name] === 'function')
}

/** Error of a source that cannot be read, or whose bytes changed after it was opened. */
export function sourceFailed(
  reason: 'CHANGED' | 'ENDED_EARLY' | 'TOO_LONG' | 'UNREADABLE',
  message: string,
) {
  return uploadError(message, { code: 'SOURCE_FAILED', reason })
}

/** Returns the bytes in memory. @throws UploadError SOURCE_FAILED if the file was moved or changed on disk */
export async function bytesInMemory(bytes: FileBytes): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes instanceof Uint8Array) return bytes
  try {
    return new Uint8Array(await readBlob(bytes))
  } catch {
    throw fileChanged()
  }
}

/** Blobs of React Native have no `arrayBuffer`. */
function readBlob(blob: Blob): Promise<ArrayBuffer> {
  if (typeof blob.arrayBuffer === 'function') return blob.arrayBuffer()
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.addEventListener('load', () => {
      if (reader.result instanceof ArrayBuffer) resolve(reader.result)
    })
    reader.addEventListener('error', () => reject(reader.error))
    reader.readAsArrayBuffer(blob)
  })
}

export function fileChanged() {
  return sourceFailed(
    'CHANGED',
    'The file was moved or changed since it was chosen. Choose it again.',
  )
}
