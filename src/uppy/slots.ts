/** Limits how many uploads run at the same time, first come, first served. */

export interface Slots {
  /** Runs the work when a slot is free. Rejects if the signal aborts before. */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

export function createSlots(count: number): Slots {
  let free = count
  const waiting = new Set<() => void>()

  function acquire(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = (): void => {
        waiting.delete(start)
        reject(signal.reason)
      }
      const start = (): void => {
        waiting.delete(start)
        signal.removeEventListener('abort', cancel)
        free -= 1
        resolve()
      }
      if (signal.aborted) cancel()
      else if (free > 0) start()
      else {
        waiting.add(start)
        signal.addEventListener('abort', cancel)
      }
    })
  }

  return {
    async run(signal, work) {
      await acquire(signal)
      try {
        return await work()
      } finally {
        free += 1
        for (const next of [...waiting].slice(0, free)) next()
      }
    },
  }
}
