/**
 * Commits together what is written at the same time. A commit waits for the disk, and one wait
 * serves everybody whose write came before it. https://www.sqlite.org/faq.html#q19
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import { StoreUnavailable } from '../../uploads/ports/store-unavailable.ts'
import { sqliteFailureOf, unavailableOr } from './failures.ts'
import type { ReadTurns } from './read-transaction.ts'

/** Writes that one transaction takes on at most; the others wait for the next turn of the event loop. */
const WRITES_A_COMMIT = 512
/**
 * How long a write waits for company, in milliseconds, while each turn of the event loop brings more:
 * requests are taken on in short turns, and a commit for each of those would wait for the disk in
 * the time of the next. Nobody feels it, and a write that comes alone waits for nobody.
 */
const GATHER_MS = 2
/** Milliseconds between two attempts to get the write lock while another process holds it. */
const LOCK_RETRY_MS = 20
/** Writes wait for the lock so many milliseconds at most, counted from the first failed attempt. */
const LOCK_WAIT_MS = 5000

/** Does writes in transactions that they share. */
export interface GroupCommit {
  /**
   * Does the work in the next transaction, together with all that is asked for until then, and
   * resolves once it is on the disk. Where the work throws, it alone is undone and rejected; where
   * the transaction cannot be had or committed, all of it is. The work must be a pure function over
   * the database: it is done once more where another of its transaction threw. While another process
   * holds the write lock, the write waits without blocking the thread, for 5 s at most.
   */
  readonly write: <T>(work: () => T) => Promise<T>
  /** Commits at once what waits for its turn. Resolves once each write is committed or rejected. */
  readonly flush: () => Promise<void>
  /** Why the last write failed, where the file or its disk was the reason; null after one that succeeds. */
  readonly failure: () => StoreUnavailable | null
}

/** What tests replace. */
export interface GroupCommitOptions {
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number
  /** Resolves after so many milliseconds, or on abort. */
  readonly wait?: (milliseconds: number, signal?: AbortSignal) => Promise<void>
}

/** A write that waits for its transaction. */
interface Waiting {
  /** Does the work. What it returns answers the writer: to be called after the commit. */
  readonly work: () => () => void
  readonly reject: (error: unknown) => void
}

interface Failure {
  readonly error: unknown
  /** Whether a work threw, and not the transaction around it, which is none's own fault. */
  readonly isOfWork: boolean
  /** Whether another process holds the write lock: the same may succeed a moment later. */
  readonly isLocked: boolean
}

/** The time in which another process holds the write lock, from the first failed attempt. */
interface Locked {
  /** The next attempt, and what it led to. */
  retry: Promise<void>
  /** Whether writes have waited as long as they may. Those that come now are tried once. */
  isOverdue: boolean
  /** Ends the timer. */
  readonly over: AbortController
}

/**
 * Takes SQLite's busy timeout from the connection, for it would block the thread.
 * @param reads of the same connection, which end before each transaction
 */
export function createGroupCommit(
  connection: Database,
  reads: Pick<ReadTurns, 'end'>,
  { now = () => performance.now(), wait = waitReally }: GroupCommitOptions = {},
): GroupCommit {
  connection.pragma('busy_timeout = 0')
  let waiting: Waiting[] = []
  let isAwaited = false
  /** When the first of those that wait came, and how many there were a turn ago. */
  let gathering = { since: 0, count: 0 }
  let isInWork = false
  let lastFailure: StoreUnavailable | null = null
  let locked: Locked | null = null

  const doAll = connection.transaction((batch: readonly Waiting[]) =>
    batch.map(({ work }) => {
      isInWork = true
      const answer = work()
      isInWork = false
      return answer
    }),
  )

  /** One transaction; null where it was committed and everybody was answered. */
  function attempt(batch: readonly Waiting[]): Failure | null {
    isInWork = false
    let answers: readonly (() => void)[]
    try {
      reads.end()
      // Immediate: what one reads before it writes stands until it has written.
      answers = doAll.immediate(batch)
    } catch (error) {
      const isLocked = sqliteFailureOf(error) === 'locked'
      return { error: unavailableOr(error), isOfWork: isInWork, isLocked }
    }
    // A transaction without writes finds a free lock, and says nothing of the disk.
    if (batch.length > 0 || sqliteFailureOf(lastFailure) === 'locked') lastFailure = null
    for (const answer of answers) answer()
    return null
  }

  function rejectAll(batch: readonly Waiting[], error: unknown): void {
    if (error instanceof StoreUnavailable) lastFailure = error
    for (const { reject } of batch) reject(error)
  }

  /** Null once each is answered; else the failure to get the lock, and those that wait for it. */
  function commit(batch: readonly Waiting[]): { error: unknown; left: readonly Waiting[] } | null {
    const failure = attempt(batch)
    if (failure === null) return null
    if (failure.isLocked) return { error: failure.error, left: batch }
    if (!failure.isOfWork || batch.length === 1) {
      rejectAll(batch, failure.error)
      return null
    }
    for (const [place, one] of batch.entries()) {
      const alone = attempt([one])
      if (alone === null) continue
      if (alone.isLocked) return { error: alone.error, left: batch.slice(place) }
      if (!alone.isOfWork) {
        rejectAll(batch.slice(place), alone.error)
        return null
      }
      rejectAll([one], alone.error)
    }
    return null
  }

  function commitNext(): void {
    const batch = waiting.slice(0, WRITES_A_COMMIT)
    waiting = waiting.slice(WRITES_A_COMMIT)
    const held = commit(batch)
    if (held === null) {
      locked?.over.abort()
      locked = null
      return
    }
    waiting = [...held.left, ...waiting]
    locked ??= beginLocked()
    if (locked.isOverdue) {
      const all = waiting
      waiting = []
      rejectAll(all, held.error)
    }
    locked.retry = retryLater()
  }

  function beginLocked(): Locked {
    const begun: Locked = {
      retry: Promise.resolve(),
      isOverdue: false,
      over: new AbortController(),
    }
    void becomeOverdue(begun)
    return begun
  }

  async function becomeOverdue(begun: Locked): Promise<void> {
    await wait(LOCK_WAIT_MS, begun.over.signal)
    begun.isOverdue = true
  }

  /** Also where nothing waits: so writes that come later know whether the lock is still held. */
  async function retryLater(): Promise<void> {
    await wait(LOCK_RETRY_MS)
    commitNext()
    if (waiting.length > 0) awaitTurn()
  }

  /** Whether more came in the turn that ends, and there is time for another. */
  function isGathering(): boolean {
    const { since, count } = gathering
    gathering = { since, count: waiting.length }
    return waiting.length > count && waiting.length < WRITES_A_COMMIT && now() - since < GATHER_MS
  }

  function awaitTurn(): void {
    if (isAwaited || locked !== null) return
    isAwaited = true
    setImmediate(() => {
      isAwaited = false
      // A flush has found the lock held meanwhile.
      if (locked !== null) return
      if (waiting.length > 0 && !isGathering()) commitNext()
      if (waiting.length > 0) awaitTurn()
    })
  }

  return {
    write: (work) =>
      new Promise((resolve, reject) => {
        waiting.push({
          work() {
            const value = work()
            return () => resolve(value)
          },
          reject,
        })
        // Whoever is alone when its turn ends waits for nobody.
        if (waiting.length === 1) gathering = { since: now(), count: 1 }
        awaitTurn()
      }),
    async flush() {
      while (waiting.length > 0) {
        if (locked === null) commitNext()
        else await locked.retry
      }
    },
    failure: () => lastFailure,
  }
}

async function waitReally(milliseconds: number, signal?: AbortSignal): Promise<void> {
  // It rejects on abort only.
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined)
}
