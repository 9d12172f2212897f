/** Concurrent calls with one key share one run and its outcome. */
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
