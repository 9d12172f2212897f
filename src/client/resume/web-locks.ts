/** One at a time: among the tabs of a browser, or within one page or process where there are none. */

/** The part of the Web Locks API that is used. https://developer.mozilla.org/en-US/docs/Web/API/LockManager/request */
export interface Locks {
  /**
   * Holds the lock of this name until the work is done; `lock` is null where it was not to be had
   * at once and only that was wanted.
   */
  request<T>(
    name: string,
    options: { readonly ifAvailable: true } | { readonly signal: AbortSignal },
    work: (lock: object | null) => Promise<T>,
  ): Promise<T>
}

/** The browser's, shared by all tabs of an origin; else those of this client alone. */
export function createLocks(): Locks {
  const { navigator } = globalThis
  // Neither Node 20 nor a page without TLS has them.
  if (typeof navigator === 'undefined' || !('locks' in navigator)) return createLocalLocks()
  return {
    request: async (name, options, work) => navigator.locks.request(name, options, work),
  }
}

function createLocalLocks(): Locks {
  /** What the next one who asks has to wait for. */
  const tails = new Map<string, Promise<void>>()
  return {
    async request(name, options, work) {
      const before = tails.get(name)
      if (before !== undefined && 'ifAvailable' in options) return work(null)

      const { promise: mine, resolve: release } = withResolvers()
      const tail = bothOf(before, mine)
      tails.set(name, tail)
      try {
        if (before !== undefined && 'signal' in options) {
          await Promise.race([before, abortOf(options.signal)])
        }
        return await work({})
      } finally {
        release()
        // Whoever gave up waiting leaves the place of those before to the ones behind.
        if (before === undefined && tails.get(name) === tail) tails.delete(name)
        else void forgetAfter(tails, name, tail)
      }
    },
  }
}

async function bothOf(first: Promise<void> | undefined, second: Promise<void>): Promise<void> {
  await first
  await second
}

async function forgetAfter(
  tails: Map<string, Promise<void>>,
  name: string,
  tail: Promise<void>,
): Promise<void> {
  await tail
  if (tails.get(name) === tail) tails.delete(name)
}

/** Rejects with the signal's reason when it aborts, and never resolves. */
function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
  })
}

/** Promise.withResolvers, which Node 20 does not have yet. */
function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  const settle: { resolve?: () => void } = {}
  const promise = new Promise<void>((resolve) => {
    settle.resolve = resolve
  })
  return { promise, resolve: () => settle.resolve?.() }
}
