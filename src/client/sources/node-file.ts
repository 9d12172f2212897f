/** Files on the disk of Node. */
import type { NodeFileHandle } from '../upload-source.ts'
import {
  type SourceFile,
  fileChanged,
  hasMethods,
  readName,
  readableFile,
  sourceFailed,
} from './source-file.ts'

/** Whether this platform is Node. */
export function canOpenPaths(): boolean {
  return nodeFileSystem() !== undefined
}

/** `openAsBlob` of Node 20 counts in 32 bits: it would cut off a longer file. */
const MAX_BLOB_BYTES = 2 ** 32 - 1

/** Opens a path until `close`. @throws UploadError SOURCE_FAILED if it is no readable file */
export async function openPath(path: string): Promise<SourceFile> {
  try {
    const fileSystem = nodeFileSystem()
    if (fileSystem === undefined) throw new Error('This platform is not Node.')
    const stats = await fileSystem.promises.stat(path)
    if (!stats.isFile()) throw new Error('It is not a regular file.')
    // Only measures the duration: the file is read by its handle.
    const blob = stats.size > MAX_BLOB_BYTES ? null : await fileSystem.openAsBlob(path)
    const handle = await fileSystem.promises.open(path)
    function close(): void {
      handle.close().catch(() => {})
    }
    try {
      return { ...(await openFileHandle(handle)), name: nameOfPath(path), blob, close }
    } catch (error) {
      close()
      throw error
    }
  } catch (error) {
    const reason = error instanceof Error ? ` ${error.message}` : ''
    throw sourceFailed('UNREADABLE', `The file cannot be opened.${reason}`)
  }
}

/** No import: bundlers for browsers and React Native would look for the module. */
function nodeFileSystem() {
  // https://nodejs.org/api/process.html#processgetbuiltinmoduleid
  return globalThis.process?.getBuiltinModule?.('fs')
}

export function nameOfPath(path: string): string | undefined {
  return readName(path.split(/[/\\]/).at(-1))
}

export function isFileHandle(value: unknown): value is NodeFileHandle {
  return hasMethods(value, 'read', 'stat')
}

/** Reads a file through its handle, which stays open. */
export async function openFileHandle(handle: NodeFileHandle): Promise<SourceFile> {
  const { size, mtimeMs } = await statOf(handle)

  async function read(start: number, end: number, signal?: AbortSignal) {
    const bytes = new Uint8Array(end - start)
    for (let filled = 0; filled < bytes.byteLength;) {
      signal?.throwIfAborted()
      const bytesRead = await readInto(handle, bytes, filled, start + filled)
      if (bytesRead === 0) throw fileChanged()
      filled += bytesRead
    }
    const now = await statOf(handle)
    if (now.size !== size || now.mtimeMs !== mtimeMs) throw fileChanged()
    return bytes
  }

  return { ...readableFile(size, read), lastModified: mtimeMs }
}

async function statOf(handle: NodeFileHandle): Promise<{ size: number; mtimeMs: number }> {
  try {
    return await handle.stat()
  } catch {
    throw sourceFailed('UNREADABLE', 'The file handle cannot be read. It must stay open.')
  }
}

async function readInto(
  handle: NodeFileHandle,
  bytes: Uint8Array,
  filled: number,
  position: number,
): Promise<number> {
  try {
    return (await handle.read(bytes, filled, bytes.byteLength - filled, position)).bytesRead
  } catch {
    throw sourceFailed('UNREADABLE', 'The file handle cannot be read. It must stay open.')
  }
}
