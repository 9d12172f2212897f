/** Creates files and folders that their owner alone can read: they hold one-time URLs. */
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../../shared/error-codes.ts'

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/**
 * Creates the file, empty, and the folders above it that are missing. A file or folder that exists keeps
 * its permissions: an operator may share it with a group on purpose. SQLite gives its log and its shared
 * memory the mode of the database file.
 */
export function createOwnerOnly(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: FOLDER_MODE })
  try {
    // Exclusively: to open and close a database that this process has open drops SQLite's locks on it.
    // https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
    closeSync(openSync(file, 'wx', FILE_MODE))
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

/** The octal mode of a file that others than its owner may read or write, such as `644`; null for none. */
export function modeForOthers(file: string): string | null {
  // Windows has no such bits.
  if (process.platform === 'win32') return null
  const mode = statSync(file).mode & 0o777
  return (mode & 0o077) === 0 ? null : mode.toString(8)
}
