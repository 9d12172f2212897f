/** Lets those who ask for the same at the same time have the same, instead of doing it for each. */

/** Does the work when it is asked for, unless it is under way already. */
export function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | null = null
  return () => {
    underWay ??= work().finally(() => {
      underWay = null
    })
    return underWay
  }
}
