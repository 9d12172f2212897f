/** Creates files and folders that only their owner can read: the contents include one-time URLs. */
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { errorCodeOf } from '../../shared/error-codes.ts'

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/**
 * Creates an empty file and its missing parent folders. Existing files and folders keep their permissions: an
 * operator may share them with a group. SQLite gives its WAL and shared-memory files the mode of the database
 * file.
 */
export function createOwnerOnly(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: FOLDER_MODE })
  try {
    // Exclusive: opening and closing a database that this process has open would release SQLite's locks.
    // https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
    closeSync(openSync(file, 'wx', FILE_MODE))
  } catch (error) {
    if (errorCodeOf(error) !== 'EEXIST') throw error
  }
}

/** Returns the octal mode, such as `644`, if other users may read or write the file; else null. */
export function modeIfShared(file: string): string | null {
  // Windows has no such mode bits.
  if (process.platform === 'win32') return null
  const mode = statSync(file).mode & 0o777
  return (mode & 0o077) === 0 ? null : mode.toString(8)
}
