/** Copies the SQLite file while a gateway works with it, and checks the copy before it gets its name. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'

/** What a copy holds. */
export interface Copied {
  /** Uploads, whatever became of them. */
  readonly uploads: number
  readonly bytes: number
}

/** All pages in one step: one that sleeps in between begins anew at each write of the gateway's. */
const ALL_PAGES = 0x7f_ff_ff_ff
/** The copy holds one-time URLs: it is for its owner. */
const OWNER_ONLY = 0o600

/**
 * Everything that was committed when it began, as one file without a log beside it. Nobody waits for it:
 * in a write-ahead log, whoever reads keeps no writer waiting. Throws where the source is no database
 * of a gateway, the target is there already, or the copy is not sound; nothing is left behind then.
 * https://www.sqlite.org/backup.html
 */
export async function backUpSqlite(source: string, target: string): Promise<Copied> {
  if (existsSync(target)) throw new Error(`${target} is there already, and is left as it is.`)
  const partial = `${target}.partial`
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
    toDisk(partial)
    renameSync(partial, target)
    toDisk(dirname(target))
    return { uploads, bytes: statSync(target).size }
  } finally {
    rmSync(partial, { force: true })
  }
}

/** Returns how many uploads it holds. */
function checkCopy(file: string): number {
  const copy = new Database(file)
  try {
    // One file, with nothing beside it that could be left behind. A gateway changes it back.
    copy.pragma('journal_mode = DELETE')
    // https://www.sqlite.org/pragma.html#pragma_integrity_check
    const found = copy.pragma('integrity_check', { simple: true })
    if (found !== 'ok') throw new Error(`The copy is not sound: ${String(found)}.`)
    const count = copy.prepare<[], number>('select count(*) from uploads where uid is not null')
    return count.pluck().get() ?? 0
  } finally {
    copy.close()
  }
}

/** A rename outlives a power cut only where the file and its folder are on the disk. */
function toDisk(path: string): void {
  const opened = openSync(path, 'r')
  try {
    fsyncSync(opened)
  } finally {
    closeSync(opened)
  }
}
