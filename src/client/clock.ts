/** Time, handed in, so that tests move it instead of waiting. */

export interface ClientClock {
  now(): Date
  /** Resolves after so many milliseconds; early, and without error, on abort. */
  wait(milliseconds: number, signal?: AbortSignal): Promise<void>
}

export const realClock: ClientClock = {
  now: () => new Date(),
  wait(milliseconds, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve()
        return
      }
      const timer = setTimeout(done, milliseconds)
      signal?.addEventListener('abort', done)
      function done(): void {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
    })
  },
}
