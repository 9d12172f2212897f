/** Files of React Native, by their URI. */
import type { NativeFile } from '../upload-source.ts'
import { openBlob } from './blob-file.ts'
import {
  type FileBytes,
  type SourceFile,
  fileChanged,
  readName,
  readType,
  readableFile,
  sourceFailed,
} from './source-file.ts'

/**
 * Opens nothing in React Native, which reads the file when it sends it. Elsewhere, as in Expo for the web, the uri
 * is fetched.
 * @throws UploadError SOURCE_FAILED if it cannot be fetched
 */
export async function openNativeFile(source: NativeFile): Promise<SourceFile> {
  const { uri, size, read: readRange } = source
  const name = readName(source.name)
  const type = readType(source.type)
  const isNative = isReactNative()
  if (!isNative && readRange === undefined) {
    return { ...openBlob(await fetchFile(uri, size)), name, type }
  }
  let whole: Promise<Blob> | null = null

  async function read(start: number, end: number): Promise<FileBytes> {
    if (readRange === undefined) {
      whole ??= fetchFile(uri, size)
      return (await whole).slice(start, end)
    }
    const bytes = await readRange(start, end)
    if (bytes.byteLength !== end - start) throw fileChanged()
    return Uint8Array.from(bytes)
  }

  const file = readableFile(size, read)
  return {
    ...file,
    name,
    type,
    // Without `read`, the properties alone: the file would be loaded into memory.
    sample: readRange === undefined ? async () => [] : file.sample,
    nativePart: isNative ? { uri, name: name ?? 'video', type: type || 'video/mp4' } : null,
    close() {
      whole = null
    },
  }
}

/** https://reactnative.dev/docs/javascript-environment */
function isReactNative(): boolean {
  const { navigator } = globalThis
  return typeof navigator === 'object' && Reflect.get(navigator, 'product') === 'ReactNative'
}

async function fetchFile(uri: string, size: number): Promise<Blob> {
  const blob = await fetchBlob(uri)
  if (blob.size !== size) throw fileChanged()
  return blob
}

async function fetchBlob(uri: string): Promise<Blob> {
  try {
    return await (await fetch(uri)).blob()
  } catch {
    throw sourceFailed('UNREADABLE', 'The file cannot be read by its uri.')
  }
}
