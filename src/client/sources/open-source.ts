/** Describes, checks and opens a source of any kind. */
import { isObject } from '../shape.ts'
import type { NativeFile, StreamSource, UploadSource } from '../upload-source.ts'
import { openBlob, openBytes } from './blob-file.ts'
import { openNativeFile } from './native-file.ts'
import { canOpenPaths, isFileHandle, nameOfPath, openFileHandle, openPath } from './node-file.ts'
import { type SourceFile, hasMethods, isBlob, readName } from './source-file.ts'
import { openStream } from './stream-file.ts'

const KINDS =
  'must be a Blob, a File, a Uint8Array, a stream with its size, a path or FileHandle of Node, or a file of React Native with its uri and size.'

/** Returns why the value is no file, as the end of a sentence; null for a file, which may not be readable. */
export function sourceProblem(source: unknown): string | null {
  if (isBlob(source) || source instanceof Uint8Array || isFileHandle(source)) return null
  if (typeof source === 'string') {
    return canOpenPaths()
      ? null
      : 'is a path, which only Node can read. Pass a Blob, a File, or a file with its `uri`.'
  }
  if (!isStream(source) && !isNativeFile(source)) return KINDS
  if (!Number.isSafeInteger(source.size) || source.size < 0) {
    return 'must have a `size`, the number of its bytes.'
  }
  const isRead = 'stream' in source && source.stream.locked
  return isRead ? 'is a stream that is read already. Pass a new one.' : null
}

/** Name and size of a source that is not open yet. */
export interface SourceDescription {
  /** Undefined without a name. */
  readonly name: string | undefined
  /** In bytes; null if it is not known before the file is open, as for a path. */
  readonly size: number | null
}

/** Returns what is known of a source, or of any other value, without opening it. */
export function describeSource(source: unknown): SourceDescription {
  if (typeof source === 'string') return { name: nameOfPath(source), size: null }
  if (source instanceof Uint8Array) return { name: undefined, size: source.byteLength }
  if (!isObject(source)) return { name: undefined, size: null }
  const { name, size } = source
  return { name: readName(name), size: typeof size === 'number' ? size : null }
}

/** Opens a source without a problem. @throws UploadError SOURCE_FAILED if it cannot be opened */
export async function openSource(source: UploadSource): Promise<SourceFile> {
  if (isBlob(source)) return openBlob(source)
  if (source instanceof Uint8Array) return openBytes(source)
  if (typeof source === 'string') return openPath(source)
  if (isFileHandle(source)) return openFileHandle(source)
  return 'uri' in source ? openNativeFile(source) : openStream(source)
}

/** Whether the value is a stream, of whatever size. */
export function isStream(value: unknown): value is StreamSource {
  return isObject(value) && hasMethods(value['stream'], 'getReader')
}

function isNativeFile(value: unknown): value is NativeFile {
  return isObject(value) && typeof value['uri'] === 'string'
}
