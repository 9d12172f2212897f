/**
 * Commits together what is written at the same time. A commit waits for the disk, and one wait
 * serves everybody whose write came before it. https://www.sqlite.org/faq.html#q19
 */
import type { Database } from 'better-sqlite3'
import type { ReadTurns } from './read-turns.ts'

/** Writes that one transaction takes on at most; the others wait for the next turn of the event loop. */
const WRITES_A_COMMIT = 512
/**
 * How long a write waits for company, in milliseconds, while each turn of the event loop brings more:
 * requests are taken on in short turns, and a commit for each of those would wait for the disk in
 * the time of the next. Nobody feels it, and a write that comes alone waits for nobody.
 */
const GATHER_MS = 2

/** Does writes in transactions that they share. */
export interface GroupCommit {
  /**
   * Does the work in the next transaction, together with all that is asked for until then, and
   * resolves once it is on the disk. Where the work throws, it alone is undone and rejected; where
   * the transaction cannot be had or committed, all of it is. The work must be a pure function over
   * the database: it is done once more where another of its transaction threw.
   */
  readonly write: <T>(work: () => T) => Promise<T>
  /** Commits at once what waits for its turn. */
  readonly flush: () => void
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
}

/**
 * @param reads of the same connection, which end before each transaction
 * @param now milliseconds of a clock that is never set back; handed in by tests
 */
export function createGroupCommit(
  connection: Database,
  reads: Pick<ReadTurns, 'end'>,
  now: () => number = () => performance.now(),
): GroupCommit {
  let waiting: Waiting[] = []
  let isAwaited = false
  /** When the first of those that wait came, and how many there were a turn ago. */
  let gathering = { since: 0, count: 0 }
  let isInWork = false

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
      return { error, isOfWork: isInWork }
    }
    for (const answer of answers) answer()
    return null
  }

  function commit(batch: readonly Waiting[]): void {
    const failure = attempt(batch)
    if (failure === null) return
    if (!failure.isOfWork || batch.length === 1) {
      rejectAll(batch, failure.error)
      return
    }
    for (const [place, one] of batch.entries()) {
      const alone = attempt([one])
      if (alone === null) continue
      if (alone.isOfWork) one.reject(alone.error)
      // A locked database was waited for long enough, and not once more for each.
      else return rejectAll(batch.slice(place), alone.error)
    }
  }

  function commitNext(): void {
    const batch = waiting.slice(0, WRITES_A_COMMIT)
    waiting = waiting.slice(WRITES_A_COMMIT)
    commit(batch)
  }

  /** Whether more came in the turn that ends, and there is time for another. */
  function isGathering(): boolean {
    const { since, count } = gathering
    gathering = { since, count: waiting.length }
    return waiting.length > count && waiting.length < WRITES_A_COMMIT && now() - since < GATHER_MS
  }

  function awaitTurn(): void {
    if (isAwaited) return
    isAwaited = true
    setImmediate(() => {
      isAwaited = false
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
    flush() {
      while (waiting.length > 0) commitNext()
    },
  }
}

function rejectAll(batch: readonly Waiting[], error: unknown): void {
  for (const { reject } of batch) reject(error)
}
