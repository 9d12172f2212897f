/** Received files: one per video, named by its uid, in a folder next to the database. */
import { mkdir, open, readdir, rename, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'

import { StoredBytes } from './stored-bytes.ts'

/**
 * Bytes that may be buffered per file. While a write runs, the socket's chunks of 64 KiB accumulate
 * and are then written together: fewer and larger writes at a bounded memory cost.
 */
export const WRITE_BUFFER_BYTES = 1_048_576

/** Only the owner may access received files and their folder. */
export const FILE_MODE = 0o600
export const FOLDER_MODE = 0o700

/** Suffix of an unfinished file; the next start removes leftovers of a killed process. */
export const PARTIAL = '.part'

/** Names that the emulator gives to files and folders. Others, such as those of a file browser, are left alone. */
const OWN_NAME = /^[\da-f]{32}(?:\.part)?$/

/** Returns the names of the emulator's files in a folder. */
export async function ownNamesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder)
  return names.filter((name) => OWN_NAME.test(name))
}

export class VideoFiles {
  readonly directory: string
  /** Bytes of the files, which writers add before they write. */
  readonly stored: StoredBytes

  /** @param maxBytes maximum of all files together */
  constructor(directory: string, maxBytes: number) {
    this.directory = directory
    this.stored = new StoredBytes(maxBytes)
  }

  path(uid: string): string {
    return join(this.directory, uid)
  }

  partialPath(uid: string): string {
    return `${this.path(uid)}${PARTIAL}`
  }

  /** Creates the folder, removes files that the last run left unfinished, and counts the others. */
  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: FOLDER_MODE })
    for (const name of await ownNamesIn(this.directory)) {
      const path = join(this.directory, name)
      if (name.endsWith(PARTIAL)) await rm(path, { force: true })
      else this.stored.set(name, (await sizeOf(path)) ?? 0)
    }
  }

  /** Creates an empty file. */
  async create(uid: string): Promise<void> {
    const file = await open(this.path(uid), 'w', FILE_MODE)
    await file.close()
  }

  /** Returns the received bytes; null when no file exists. */
  async size(uid: string): Promise<number | null> {
    return sizeOf(this.path(uid))
  }

  /** Returns the received bytes of an unfinished basic upload; null without one. */
  async partialSize(uid: string): Promise<number | null> {
    return sizeOf(this.partialPath(uid))
  }

  /** Shortens the file of an unfinished tus upload. */
  async truncate(uid: string, bytes: number): Promise<void> {
    await truncate(this.path(uid), bytes)
    this.stored.set(uid, bytes)
  }

  async keepPartial(uid: string): Promise<void> {
    await rename(this.partialPath(uid), this.path(uid))
  }

  async removePartial(uid: string): Promise<void> {
    await rm(this.partialPath(uid), { force: true })
  }

  /**
   * Removes the file. An unfinished upload that is being received continues, and its bytes count from 0. The video
   * must have no other files.
   */
  async remove(uid: string): Promise<void> {
    this.stored.set(uid, 0)
    await freeBytes(this.partialPath(uid))
    await removeAndFree(this.path(uid))
  }
}

/**
 * Removes a file if it exists. Its bytes are free at once, also if it is open: a client that reads it slowly would
 * keep them on the disk.
 */
export async function removeAndFree(path: string): Promise<void> {
  await freeBytes(path)
  await rm(path, { force: true })
}

/** Does nothing if there is no such file. */
async function freeBytes(path: string): Promise<void> {
  try {
    await truncate(path, 0)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}

function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    (stats) => stats.size,
    () => null,
  )
}
