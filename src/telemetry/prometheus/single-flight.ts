/** Shares one promise among concurrent callers. */

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
