/** Shares results among callers. */
import type { Clock } from '../../shared/clock.ts'

/** Returns a function that starts `work`, or joins the run that is in flight. */
export function singleFlight<T>(work: () => Promise<T>): () => Promise<T> {
  let inFlight: Promise<T> | null = null
  return () => {
    inFlight ??= work().finally(() => {
      inFlight = null
    })
    return inFlight
  }
}

/** Like `singleFlight`, and returns each result again until it is `milliseconds` old. Errors are not reused. */
export function reuseFor<T>(
  milliseconds: number,
  clock: Pick<Clock, 'monotonicMs'>,
  work: () => Promise<T>,
): () => Promise<T> {
  let latest: { readonly result: T; readonly at: number } | null = null
  const run = singleFlight(async () => {
    const result = await work()
    latest = { result, at: clock.monotonicMs() }
    return result
  })
  return async () =>
    latest !== null && clock.monotonicMs() - latest.at < milliseconds ? latest.result : run()
}
