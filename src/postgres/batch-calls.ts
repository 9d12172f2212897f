/** Joins concurrent calls into one statement, so that they share a round trip and a commit. */
import { StoreUnavailable } from '../uploads/ports/store-unavailable.ts'

/** Calls per statement. Each may hold two locks of the server until the commit. */
const MAX_CALLS = 64

interface Call<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/**
 * Returns a function that passes its item to `execute`, together with those of the same tick of the event loop
 * and those that came while the last statement was running. If a statement with several items fails because of
 * one of them, each is executed alone. A statement that fails must have changed nothing.
 * @param execute returns the results in the order of the items
 */
export function batchCalls<Item, Result>(
  execute: (items: readonly Item[]) => Promise<readonly Result[]>,
): (item: Item) => Promise<Result> {
  let queue: Call<Item, Result>[] = []
  let isRunning = false
  let isScheduled = false

  async function attempt(calls: readonly Call<Item, Result>[]): Promise<void> {
    try {
      const results = await execute(calls.map(({ item }) => item))
      if (results.length !== calls.length) throw new Error('A batch has not one result per item.')
      for (const [index, result] of results.entries()) calls[index]?.resolve(result)
    } catch (error) {
      // The outcome is unknown if the database did not respond.
      if (calls.length === 1 || error instanceof StoreUnavailable) {
        for (const { reject } of calls) reject(error)
        return
      }
      for (const call of calls) await attempt([call])
    }
  }

  async function runNext(): Promise<void> {
    const calls = queue.slice(0, MAX_CALLS)
    queue = queue.slice(MAX_CALLS)
    // One statement at a time: a second one would wait for the locks of the first, and would have fewer calls.
    isRunning = true
    await attempt(calls)
    isRunning = false
    schedule()
  }

  function schedule(): void {
    if (isScheduled || isRunning || queue.length === 0) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      void runNext()
    })
  }

  return (item) =>
    new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject })
      schedule()
    })
}
