/**
 * Runs the work, unless it runs for this key: then the call shares that run and its outcome.
 * @param inFlight running work by key
 */
export async function shareInFlight<T>(
  inFlight: Map<string, Promise<T>>,
  key: string,
  run: () => Promise<T>,
): Promise<T> {
  const running = inFlight.get(key)
  if (running !== undefined) return running
  const started = run()
  inFlight.set(key, started)
  try {
    return await started
  } finally {
    inFlight.delete(key)
  }
}
