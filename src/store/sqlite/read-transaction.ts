/**
 * Executes all reads of one event-loop tick in one transaction. SQLite locks the file for each transaction,
 * and a single statement is one. For reading one upload, the lock is a third of the time.
 * https://www.sqlite.org/wal.html#concurrency
 */
import type { Database } from 'better-sqlite3'

/** All reads of a tick see the file as it was at the first of them. */
export interface TickReadTransaction {
  /** Begins a transaction unless one is open. Call it before each read. */
  readonly read: () => void
  /** Ends the transaction before the tick does, so that later reads see later writes. */
  readonly end: () => void
}

export function createTickReadTransaction(connection: Database): TickReadTransaction {
  const begin = connection.prepare('begin')
  // Not `commit`: after a read of a damaged file, it would throw the same error again, outside any request.
  const rollback = connection.prepare('rollback')
  let isOpen = false
  let isScheduled = false

  function end(): void {
    if (!isOpen) return
    // Some errors end the transaction, and closing the store closes the connection.
    if (connection.inTransaction) rollback.run()
    isOpen = false
  }

  return {
    read() {
      // Inside a write transaction, reads see its own writes.
      if (isOpen || connection.inTransaction) return
      begin.run()
      isOpen = true
      if (isScheduled) return
      isScheduled = true
      setImmediate(() => {
        isScheduled = false
        end()
      })
    },
    end,
  }
}
