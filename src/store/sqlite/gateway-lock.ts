/**
 * The lock that a gateway holds on its SQLite file. Two gateways on one file would not hear of each
 * other's changes, and would count rates and calls to Stream each by itself.
 */
import { realpathSync } from 'node:fs'
import Database from 'better-sqlite3'
import { sqliteFailureOf } from './failures.ts'
import { createOwnerOnly } from './owner-only.ts'

export interface GatewayLock {
  release(): void
}

/**
 * Takes the lock on the file, which is created where there is none; null where another gateway holds
 * it. Commands that work beside a gateway, such as `headgate backup`, do not take it.
 *
 * The lock is a transaction that stays open in an empty database beside the file: SQLite locks by
 * `fcntl`, and the system drops such a lock with its process, however that ends. It holds between
 * containers that share a volume of one machine; no file with a process id does.
 */
export function tryGatewayLock(file: string): GatewayLock | null {
  createOwnerOnly(file)
  // By every name that leads to the file.
  const lockFile = `${realpathSync(file)}.lock`
  createOwnerOnly(lockFile)
  const connection = new Database(lockFile, { timeout: 0 })
  try {
    // Nothing is written: without this, SQLite would create a journal.
    connection.pragma('journal_mode = MEMORY')
    connection.exec('begin exclusive')
  } catch (error) {
    connection.close()
    if (sqliteFailureOf(error) === 'locked') return null
    throw error
  }
  return { release: () => void connection.close() }
}
