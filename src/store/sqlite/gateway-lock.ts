/**
 * The lock that a gateway holds on its SQLite file. Two gateways on one file would miss each other's changes.
 * Each would also apply its rate limits and Stream request budget separately.
 */
import { realpathSync } from 'node:fs'
import Database from 'better-sqlite3'
import { sqliteFailureOf } from './failures.ts'
import { createOwnerOnly } from './owner-only.ts'

export interface GatewayLock {
  release(): void
}

/**
 * Locks the file, creating it if missing. Returns null if another gateway holds the lock. Commands that run
 * next to a gateway, such as `headgate backup`, do not lock.
 *
 * The lock is an open exclusive transaction in an empty database next to the file. SQLite locks with `fcntl`,
 * so the operating system releases the lock when the process ends. Unlike a PID file, it works between
 * containers that share a volume of one machine.
 */
export function tryGatewayLock(file: string): GatewayLock | null {
  createOwnerOnly(file)
  // The real path, so that all names of the file share one lock.
  const lockFile = `${realpathSync(file)}.lock`
  createOwnerOnly(lockFile)
  const connection = new Database(lockFile, { timeout: 0 })
  try {
    // SQLite creates no journal file in this mode; the transaction writes nothing.
    connection.pragma('journal_mode = MEMORY')
    connection.exec('begin exclusive')
  } catch (error) {
    connection.close()
    if (sqliteFailureOf(error) === 'locked') return null
    throw error
  }
  return { release: () => void connection.close() }
}
