/**
 * Group commit: concurrent writes share one transaction. A commit waits for the disk, and one wait serves all
 * writes queued before it. https://www.sqlite.org/faq.html#q19
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import { StoreUnavailable } from '../../uploads/ports/store-unavailable.ts'
import { sqliteFailureOf, toStoreUnavailable } from './failures.ts'
import type { TickReadTransaction } from './read-transaction.ts'

/** Writes per transaction. Further writes wait for the next tick of the event loop. */
const MAX_WRITES_PER_COMMIT = 512
/**
 * Longest time in milliseconds that a write waits for others, as long as each tick adds more. Requests arrive
 * in short ticks; a commit per tick would wait for the disk each time. A single write is not delayed.
 */
const MAX_BATCH_DELAY_MS = 2
/** Pause in milliseconds between attempts to get the write lock that another process holds. */
const LOCK_RETRY_MS = 20
/** Longest wait for the lock in milliseconds, from the first failed attempt. */
const LOCK_WAIT_MS = 5000

/** Executes writes in shared transactions. */
export interface GroupCommit {
  /**
   * Executes `work` in the next transaction, together with other queued writes. Resolves once the transaction
   * is on disk.
   *
   * If `work` throws, only this write is rolled back and rejected. If the transaction cannot begin or commit,
   * all its writes are rejected. `work` must be a pure function of the database, because it runs again if
   * another write of its transaction throws. While another process holds the write lock, writes wait up to
   * 5 seconds without blocking the thread.
   */
  readonly write: <T>(work: () => T) => Promise<T>
  /** Commits queued writes immediately. Resolves once each is committed or rejected. */
  readonly flush: () => Promise<void>
  /** The failure of the file or its disk that the last write met; null after a successful write. */
  readonly failure: () => StoreUnavailable | null
}

/** Replaced by tests. */
export interface GroupCommitOptions {
  /** Monotonic clock in milliseconds. */
  readonly now?: () => number
  /** Resolves after the given milliseconds, or on abort. */
  readonly wait?: (milliseconds: number, signal?: AbortSignal) => Promise<void>
}

/** A queued write. */
interface QueuedWrite {
  /** Executes the write. Returns a function that resolves the caller's promise; called after the commit. */
  readonly work: () => () => void
  readonly reject: (error: unknown) => void
}

interface Failure {
  readonly error: unknown
  /** True if a write threw; false if the transaction itself failed. */
  readonly isOfWork: boolean
  /** True if another process holds the write lock, so a retry may succeed. */
  readonly isLocked: boolean
}

/** The period in which another process holds the write lock, from the first failed attempt. */
interface Locked {
  /** The next attempt; resolves after it. */
  retry: Promise<void>
  /** True once writes have waited for LOCK_WAIT_MS. Later writes are tried once. */
  isOverdue: boolean
  /** Stops the timer. */
  readonly waitController: AbortController
}

/**
 * Sets SQLite's busy timeout of the connection to 0, because it would block the thread.
 * @param reads read transaction of the same connection, ended before each write transaction
 */
export function createGroupCommit(
  connection: Database,
  reads: Pick<TickReadTransaction, 'end'>,
  { now = () => performance.now(), wait = waitFor }: GroupCommitOptions = {},
): GroupCommit {
  connection.pragma('busy_timeout = 0')
  let queue: QueuedWrite[] = []
  let isScheduled = false
  /** Arrival of the first queued write, and the queue length one tick ago. */
  let batching = { since: 0, count: 0 }
  let isWorkRunning = false
  let lastFailure: StoreUnavailable | null = null
  let locked: Locked | null = null

  const runBatch = connection.transaction((batch: readonly QueuedWrite[]) =>
    batch.map(({ work }) => {
      isWorkRunning = true
      const resolveWrite = work()
      isWorkRunning = false
      return resolveWrite
    }),
  )

  /** Runs one transaction. Returns null once it is committed and all its writes are resolved. */
  function attempt(batch: readonly QueuedWrite[]): Failure | null {
    isWorkRunning = false
    let resolvers: readonly (() => void)[]
    try {
      reads.end()
      // Immediate: the write lock is held from the first read, so reads stay valid until the commit.
      resolvers = runBatch.immediate(batch)
    } catch (error) {
      const isLocked = sqliteFailureOf(error) === 'locked'
      return { error: toStoreUnavailable(error), isOfWork: isWorkRunning, isLocked }
    }
    // An empty transaction shows that the lock is free, but not that the disk works.
    if (batch.length > 0 || sqliteFailureOf(lastFailure) === 'locked') lastFailure = null
    for (const resolveWrite of resolvers) resolveWrite()
    return null
  }

  function rejectAll(batch: readonly QueuedWrite[], error: unknown): void {
    if (error instanceof StoreUnavailable) lastFailure = error
    for (const { reject } of batch) reject(error)
  }

  /** Returns null once each write is resolved or rejected, or the lock error with the remaining writes. */
  function commit(
    batch: readonly QueuedWrite[],
  ): { error: unknown; remaining: readonly QueuedWrite[] } | null {
    const failure = attempt(batch)
    if (failure === null) return null
    if (failure.isLocked) return { error: failure.error, remaining: batch }
    if (!failure.isOfWork || batch.length === 1) {
      rejectAll(batch, failure.error)
      return null
    }
    for (const [index, write] of batch.entries()) {
      const writeFailure = attempt([write])
      if (writeFailure === null) continue
      if (writeFailure.isLocked) return { error: writeFailure.error, remaining: batch.slice(index) }
      if (!writeFailure.isOfWork) {
        rejectAll(batch.slice(index), writeFailure.error)
        return null
      }
      rejectAll([write], writeFailure.error)
    }
    return null
  }

  function commitNext(): void {
    const batch = queue.slice(0, MAX_WRITES_PER_COMMIT)
    queue = queue.slice(MAX_WRITES_PER_COMMIT)
    const held = commit(batch)
    if (held === null) {
      locked?.waitController.abort()
      locked = null
      return
    }
    queue = [...held.remaining, ...queue]
    locked ??= beginLocked()
    if (locked.isOverdue) {
      const all = queue
      queue = []
      rejectAll(all, held.error)
    }
    locked.retry = retryLater()
  }

  function beginLocked(): Locked {
    const begun: Locked = {
      retry: Promise.resolve(),
      isOverdue: false,
      waitController: new AbortController(),
    }
    void becomeOverdue(begun)
    return begun
  }

  async function becomeOverdue(begun: Locked): Promise<void> {
    await wait(LOCK_WAIT_MS, begun.waitController.signal)
    begun.isOverdue = true
  }

  /** Retries even with an empty queue, so that later writes know whether the lock is still held. */
  async function retryLater(): Promise<void> {
    await wait(LOCK_RETRY_MS)
    commitNext()
    if (queue.length > 0) scheduleCommit()
  }

  /** True if the ending tick added writes and the batch may still wait for more. */
  function isBatching(): boolean {
    const { since, count } = batching
    batching = { since, count: queue.length }
    return (
      queue.length > count &&
      queue.length < MAX_WRITES_PER_COMMIT &&
      now() - since < MAX_BATCH_DELAY_MS
    )
  }

  function scheduleCommit(): void {
    if (isScheduled || locked !== null) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      // A flush found the lock held in the meantime.
      if (locked !== null) return
      if (queue.length > 0 && !isBatching()) commitNext()
      if (queue.length > 0) scheduleCommit()
    })
  }

  return {
    write: (work) =>
      new Promise((resolve, reject) => {
        queue.push({
          work() {
            const value = work()
            return () => resolve(value)
          },
          reject,
        })
        // A write that is alone at the end of its tick is committed without delay.
        if (queue.length === 1) batching = { since: now(), count: 1 }
        scheduleCommit()
      }),
    async flush() {
      while (queue.length > 0) {
        if (locked === null) commitNext()
        else await locked.retry
      }
    },
    failure: () => lastFailure,
  }
}

async function waitFor(milliseconds: number, signal?: AbortSignal): Promise<void> {
  // `sleep` rejects only on abort.
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined)
}
