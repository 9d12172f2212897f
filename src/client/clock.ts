/** Clock port of the client; tests replace it. */

export interface ClientClock {
  now(): Date
  /** Resolves after this many milliseconds, or on abort. Never rejects. */
  wait(milliseconds: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: ClientClock = {
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
