/** Copies the SQLite file of a running gateway. The copy is checked before it is renamed to its final name. */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'

/** Contents of a finished backup. */
export interface BackupResult {
  /** Uploads in any status; reservations are not counted. */
  readonly uploads: number
  readonly bytes: number
}

/** Copies all pages in one step. SQLite restarts a stepwise backup after each write by the gateway. */
const ALL_PAGES = 0x7f_ff_ff_ff
/** The copy contains one-time upload URLs, so only its owner may read it. */
const OWNER_ONLY = 0o600
/** Matches the suffix of unfinished copies, including SQLite's own journal, WAL and shared-memory files. */
const PARTIAL = /^(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\.)?partial(?:-journal|-wal|-shm)?$/
/** Unfinished copies not modified for this long, in milliseconds, belong to a process that has ended. */
const LEFTOVER_AGE_MS = 3_600_000

/**
 * Writes everything that was committed when the backup began into one file without a WAL. Writers are not
 * blocked, because WAL readers never block writers. Throws if the source is not a gateway database, the
 * target exists or the integrity check fails; the partial copy is then deleted.
 * https://www.sqlite.org/backup.html
 */
export async function backupSqlite(source: string, target: string): Promise<BackupResult> {
  requireNewFile(target)
  removeLeftovers(target)
  const partial = `${target}.${randomUUID()}.partial`
  closeSync(openSync(partial, 'wx', OWNER_ONLY))
  try {
    const connection = new Database(source, { readonly: true, fileMustExist: true })
    try {
      connection.pragma('busy_timeout = 5000')
      await connection.backup(partial, { progress: () => ALL_PAGES })
    } finally {
      connection.close()
    }
    const uploads = checkCopy(partial)
    syncToDisk(partial)
    // Another backup may have finished in the meantime.
    requireNewFile(target)
    renameSync(partial, target)
    syncToDisk(dirname(target))
    return { uploads, bytes: statSync(target).size }
  } finally {
    rmSync(partial, { force: true })
  }
}

function requireNewFile(target: string): void {
  if (existsSync(target)) throw new Error(`${target} already exists.`)
}

/**
 * Deletes unfinished copies of killed processes, which also contain one-time URLs. Recently modified files
 * are kept, because they may belong to a running backup. A backup that stalls longer than that fails with an
 * error, because each partial file name is unique.
 */
function removeLeftovers(target: string): void {
  const folder = dirname(target)
  const oldest = Date.now() - LEFTOVER_AGE_MS
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!name.startsWith(`${basename(target)}.`)) continue
    if (!PARTIAL.test(name.slice(basename(target).length + 1))) continue
    const file = join(folder, name)
    const found = statSync(file, { throwIfNoEntry: false })
    if (found?.isFile() === true && found.mtimeMs < oldest) rmSync(file, { force: true })
  }
}

/** Runs the integrity check. Returns the number of uploads; throws if the copy is damaged. */
function checkCopy(file: string): number {
  const copy = new Database(file)
  try {
    // Merges the WAL into the one file. The gateway sets WAL mode again when it opens the copy.
    copy.pragma('journal_mode = DELETE')
    // https://www.sqlite.org/pragma.html#pragma_integrity_check
    const found = copy.pragma('integrity_check', { simple: true })
    if (found !== 'ok') throw new Error(`The copy failed its integrity check: ${String(found)}.`)
    const count = copy.prepare<[], number>('select count(*) from uploads where uid is not null')
    return count.pluck().get() ?? 0
  } finally {
    copy.close()
  }
}

/** Flushes a file or folder to disk. A rename survives a power failure only if file and folder are flushed. */
function syncToDisk(path: string): void {
  const opened = openSync(path, 'r')
  try {
    fsyncSync(opened)
  } finally {
    closeSync(opened)
  }
}
