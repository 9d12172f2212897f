/**
 * Reads the pages of an operation one after the other, each in another turn of the event loop: ten pages of uploads
 * with large metas take half a second, in which nothing else in the process would run.
 */
import type { Clock } from '../shared/clock.ts'

/** Reads a page when it is the operation's turn. */
export type ReadInTurns = <T>(read: () => Promise<T>) => Promise<T>

/** Ends with the last turn that an operation waits for. One for the process, which has one event loop. */
let lastTurn: Promise<void> = Promise.resolve()

/** Returns the function for one operation. It reads the first page at once. */
export function createReadInTurns(clock: Pick<Clock, 'wait'>): ReadInTurns {
  let previous: Promise<void> | null = null

  function takeTurn(): Promise<void> {
    lastTurn = lastTurn.then(() => clock.wait(0))
    return lastTurn
  }

  return (read) => {
    if (previous === null) {
      previous = Promise.resolve()
      return read()
    }
    // An operation waits for one turn at a time, so that operations alternate.
    previous = previous.then(takeTurn)
    return previous.then(read)
  }
}
