/** Joins concurrent calls into one statement, so that they share a round trip and a commit. */
import { StoreUnavailable } from '../uploads/ports/store-unavailable.ts'

/** Calls per statement. Each may hold two locks of the server until the commit. */
const MAX_CALLS = 64
/** Statements at a time, so that one is executed while another waits for the disk. */
const MAX_RUNNING = 2
/**
 * Longest time in milliseconds that a call waits for others while a statement is running, as long as each tick of
 * the event loop adds one.
 */
const MAX_DELAY_MS = 2

interface Call<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/**
 * Returns a function that passes its item to `execute`, together with those of the same tick of the event loop
 * and those that came while earlier statements were running. If a statement with several items fails because of
 * one of them, each is executed alone. A statement that fails must have changed nothing.
 * @param execute returns the results in the order of the items
 */
export function batchCalls<Item, Result>(
  execute: (items: readonly Item[]) => Promise<readonly Result[]>,
): (item: Item) => Promise<Result> {
  let queue: Call<Item, Result>[] = []
  let running = 0
  let isScheduled = false
  /** Arrival of the first call in the queue. */
  let waitingSince = 0

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
    running += 1
    await attempt(calls)
    running -= 1
    schedule()
  }

  function schedule(): void {
    if (isScheduled || queue.length === 0 || running >= MAX_RUNNING) return
    isScheduled = true
    const before = queue.length
    setImmediate(() => {
      isScheduled = false
      const isGrowing =
        running > 0 && queue.length > before && performance.now() - waitingSince < MAX_DELAY_MS
      if (!isGrowing) void runNext()
      schedule()
    })
  }

  return (item) =>
    new Promise((resolve, reject) => {
      if (queue.length === 0) waitingSince = performance.now()
      queue.push({ item, resolve, reject })
      schedule()
    })
}
