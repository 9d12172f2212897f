/** Copies the SQLite file while a gateway works with it, and checks the copy before it gets its name. */
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
/** How a copy is called before it is one, behind its name to be; SQLite may keep a file beside it. */
const PARTIAL = /^(?:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\.)?partial(?:-journal|-wal|-shm)?$/
/** Whoever has written nothing for so long writes no more, in milliseconds. */
const LEFT_BEHIND_MS = 3_600_000

/**
 * Everything that was committed when it began, as one file without a log beside it. Nobody waits for it:
 * in a write-ahead log, whoever reads keeps no writer waiting. Throws where the source is no database
 * of a gateway, the target is there already, or the copy is not sound; nothing is left behind then.
 * https://www.sqlite.org/backup.html
 */
export async function backUpSqlite(source: string, target: string): Promise<Copied> {
  refuseExisting(target)
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
    toDisk(partial)
    // Another one may have come to its end meanwhile.
    refuseExisting(target)
    renameSync(partial, target)
    toDisk(dirname(target))
    return { uploads, bytes: statSync(target).size }
  } finally {
    rmSync(partial, { force: true })
  }
}

function refuseExisting(target: string): void {
  if (existsSync(target)) throw new Error(`${target} is there already, and is left as it is.`)
}

/**
 * What copies to this name left behind that were killed: it holds one-time URLs as well. Those of which
 * something was written lately may be under way still; should one of them take that long, it fails and
 * says so, since each has a name of its own.
 */
function removeLeftovers(target: string): void {
  const folder = dirname(target)
  const oldest = Date.now() - LEFT_BEHIND_MS
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!name.startsWith(`${basename(target)}.`)) continue
    if (!PARTIAL.test(name.slice(basename(target).length + 1))) continue
    const file = join(folder, name)
    const found = statSync(file, { throwIfNoEntry: false })
    if (found?.isFile() === true && found.mtimeMs < oldest) rmSync(file, { force: true })
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
