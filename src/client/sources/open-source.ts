/** Opens a source, whatever its kind. */
import { isObject } from '../shape.ts'
import { UploadError } from '../upload-error.ts'
import type { NativeFile, StreamSource } from '../upload-source.ts'
import { openBlob, openBytes } from './blob-file.ts'
import { openNativeFile } from './native-file.ts'
import { isFileHandle, openFileHandle, openPath } from './node-file.ts'
import { type SourceFile, hasMethods, isBlob } from './source-file.ts'
import { openStream } from './stream-file.ts'

const KINDS =
  'must be a Blob, a File, a Uint8Array, a stream with its size, a path or FileHandle of Node, or a file of React Native with its uri and size.'

/** Why a value is no file that can be opened, as the end of a sentence. */
export interface SourceProblem {
  readonly problem: string
}

/** Returns the problem of a value that is no file, or cannot be opened. */
export async function openSource(source: unknown): Promise<SourceFile | SourceProblem> {
  try {
    return await openByKind(source)
  } catch (error) {
    if (!(error instanceof UploadError)) throw error
    return { problem: `cannot be read. ${error.message}` }
  }
}

async function openByKind(source: unknown): Promise<SourceFile | SourceProblem> {
  if (isBlob(source)) return openBlob(source)
  if (source instanceof Uint8Array) return openBytes(source)
  if (typeof source === 'string') {
    const file = await openPath(source)
    return file ?? { problem: 'is a path, which only Node can read. Pass a Blob or a File.' }
  }
  if (isFileHandle(source)) return openFileHandle(source)
  if (!isStream(source) && !isNativeFile(source)) return { problem: KINDS }
  if (!Number.isSafeInteger(source.size) || source.size < 0) {
    return { problem: 'must have a `size`, the number of its bytes.' }
  }
  if ('uri' in source) return openNativeFile(source)
  if (source.stream.locked) return { problem: 'is a stream that is read already. Pass a new one.' }
  return openStream(source)
}

function isStream(value: unknown): value is StreamSource {
  return isObject(value) && hasMethods(value['stream'], 'getReader')
}

function isNativeFile(value: unknown): value is NativeFile {
  return isObject(value) && typeof value['uri'] === 'string'
}
