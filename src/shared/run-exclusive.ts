/**
 * Runs the work after all work that was queued earlier under this key, whether that succeeded or failed.
 * @param tails the last queued work by key
 */
export async function runExclusive<T>(
  tails: Map<string, Promise<unknown>>,
  key: string,
  work: () => Promise<T>,
): Promise<T> {
  const previous = tails.get(key)
  const running = previous === undefined ? work() : previous.then(work, work)
  tails.set(key, running)
  try {
    return await running
  } finally {
    if (tails.get(key) === running) tails.delete(key)
  }
}
