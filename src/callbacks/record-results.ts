/** Records the results of attempts: those that end within a few milliseconds together, in one transaction. */
import type { Clock } from '../shared/clock.ts'
import type { CallbackStore, DeliveryResult } from '../uploads/ports/callback-store.ts'

/** Wait in milliseconds for the results of other attempts. Each transaction costs a write to the disk. */
const COLLECT_MS = 10

/** Resolves when the result is recorded. Rejects if it is not: the callback is then sent again. */
export type RecordResult = (result: DeliveryResult) => Promise<void>

export function createResultRecorder(
  store: Pick<CallbackStore, 'recordResults'>,
  clock: Pick<Clock, 'now' | 'wait'>,
): RecordResult {
  /** The next write, which starts when the present one has ended. */
  let next: { readonly results: DeliveryResult[]; readonly written: Promise<void> } | null = null
  let present: Promise<unknown> = Promise.resolve()

  async function write(results: readonly DeliveryResult[], previous: Promise<unknown>) {
    await Promise.all([previous, clock.wait(COLLECT_MS)])
    next = null
    await store.recordResults(results, clock.now())
  }

  return (result) => {
    if (next !== null) {
      next.results.push(result)
      return next.written
    }
    const results = [result]
    const written = write(results, present)
    present = written.catch(() => undefined)
    next = { results, written }
    return written
  }
}
