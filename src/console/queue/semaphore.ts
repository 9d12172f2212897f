/** FIFO semaphore. */

export interface Semaphore {
  /** Resolves with a release function once a slot is free; rejects if the signal aborts first. */
  acquire(signal: AbortSignal): Promise<() => void>
}

export function createSemaphore(max: number): Semaphore {
  let active = 0
  const waiting = new Set<() => void>()

  function release(): void {
    active -= 1
    const [next] = waiting
    next?.()
  }

  return {
    acquire(signal) {
      return new Promise((resolve, reject) => {
        const cancel = (): void => {
          waiting.delete(start)
          reject(signal.reason)
        }
        function start(): void {
          waiting.delete(start)
          signal.removeEventListener('abort', cancel)
          active += 1
          let isHeld = true
          resolve(() => {
            if (isHeld) release()
            isHeld = false
          })
        }
        if (signal.aborted) cancel()
        else if (active < max) start()
        else {
          waiting.add(start)
          signal.addEventListener('abort', cancel)
        }
      })
    },
  }
}
