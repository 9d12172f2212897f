/** Where received bytes lie: one file per video, named by its uid, beside the database. */
import { mkdir, open, readdir, rename, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Bytes that may wait for the disk. While one write is under way the pieces of 64 KiB that the socket
 * brings gather here, and go out together: fewer and larger writes, at a bounded price in memory.
 */
export const WAITING_BYTES = 1_048_576

/** Received files and their folder are for their owner alone. */
export const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** A basic upload that is still coming in; a later run removes what a killed one left. */
const PARTIAL = '.part'

export class VideoFiles {
  readonly directory: string

  constructor(directory: string) {
    this.directory = directory
  }

  path(uid: string): string {
    return join(this.directory, uid)
  }

  partialPath(uid: string): string {
    return `${this.path(uid)}${PARTIAL}`
  }

  /** Makes the folder, and forgets the uploads that the last run did not finish receiving. */
  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: FOLDER_MODE })
    const names = await readdir(this.directory)
    await Promise.all(
      names
        .filter((name) => name.endsWith(PARTIAL))
        .map((name) => rm(join(this.directory, name), { force: true })),
    )
  }

  /** An empty file, for the bytes to come. */
  async create(uid: string): Promise<void> {
    const file = await open(this.path(uid), 'w', FILE_MODE)
    await file.close()
  }

  /** Bytes that have arrived; null where there is no file. */
  async size(uid: string): Promise<number | null> {
    return sizeOf(this.path(uid))
  }

  /** Bytes of a basic upload that is still coming in; null where none is. */
  async partialSize(uid: string): Promise<number | null> {
    return sizeOf(this.partialPath(uid))
  }

  async truncate(uid: string, bytes: number): Promise<void> {
    await truncate(this.path(uid), bytes)
  }

  async keepPartial(uid: string): Promise<void> {
    await rename(this.partialPath(uid), this.path(uid))
  }

  async removePartial(uid: string): Promise<void> {
    await rm(this.partialPath(uid), { force: true })
  }

  async remove(uid: string): Promise<void> {
    await rm(this.path(uid), { force: true })
  }
}

function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    (found) => found.size,
    () => null,
  )
}
