/**
 * Reads what is asked for in one turn of the event loop in one transaction. SQLite locks the file for
 * each transaction, and a statement by itself is one: for an upload, that is a third of what it takes.
 * https://www.sqlite.org/wal.html#concurrency
 */
import type { Database } from 'better-sqlite3'

/** All reads of a turn see the file as it was at the first of them. */
export interface ReadTurns {
  /** To be called before each read: begins a transaction where none stands open. */
  readonly read: () => void
  /** Ends it before the turn does: what is written next is seen by whoever reads after it. */
  readonly end: () => void
}

export function createReadTurns(connection: Database): ReadTurns {
  const begin = connection.prepare('begin')
  // Not by a commit: that throws once more what a read of a damaged file has thrown, here for nobody.
  const rollback = connection.prepare('rollback')
  let isOpen = false
  let isAwaited = false

  function end(): void {
    if (!isOpen) return
    // Some errors end the transaction, and nobody reads in a file that is closed.
    if (connection.inTransaction) rollback.run()
    isOpen = false
  }

  return {
    read() {
      // In a transaction that writes, what is read is what it has written.
      if (isOpen || connection.inTransaction) return
      begin.run()
      isOpen = true
      if (isAwaited) return
      isAwaited = true
      setImmediate(() => {
        isAwaited = false
        end()
      })
    },
    end,
  }
}
