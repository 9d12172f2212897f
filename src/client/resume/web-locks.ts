/** Mutual exclusion among the tabs of a browser, or among the clients of one storage if Web Locks are not available. */
import type { UploadStorage } from './upload-storage.ts'

/** The used part of the Web Locks API. https://developer.mozilla.org/en-US/docs/Web/API/LockManager/request */
export interface LockManager {
  /**
   * Holds the named lock until `work` settles. With `ifAvailable`, `lock` is null if another
   * caller holds it.
   */
  request<T>(
    name: string,
    options: { readonly ifAvailable: true } | { readonly signal: AbortSignal },
    work: (lock: object | null) => Promise<T>,
  ): Promise<T>
}

/** Without Web Locks: the locks of all clients that share a storage. */
const localLocks = new WeakMap<UploadStorage, LockManager>()

/** Returns the browser's locks, shared by all tabs of an origin; otherwise the locks of the storage. */
export function locksOf(storage: UploadStorage): LockManager {
  const { navigator } = globalThis
  // Web Locks are missing in Node 20 and in pages without TLS.
  if (typeof navigator === 'undefined' || !('locks' in navigator)) {
    const locks = localLocks.get(storage) ?? createLocalLocks()
    localLocks.set(storage, locks)
    return locks
  }
  return {
    request: async (name, options, work) => navigator.locks.request(name, options, work),
  }
}

/** Takes the lock and returns the function that releases it; null if another caller holds the lock. */
export function tryHold(locks: LockManager, name: string): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    const work = async (lock: object | null): Promise<void> => {
      if (lock === null) {
        resolve(null)
        return
      }
      const { promise: released, resolve: release } = withResolvers()
      resolve(release)
      await released
    }
    locks.request(name, { ifAvailable: true }, work).catch(reject)
  })
}

function createLocalLocks(): LockManager {
  /** Per lock: settles when all earlier requests have released it. */
  const tails = new Map<string, Promise<void>>()
  return {
    async request(name, options, work) {
      const previous = tails.get(name)
      if (previous !== undefined && 'ifAvailable' in options) return work(null)

      const { promise: held, resolve: release } = withResolvers()
      const tail = bothOf(previous, held)
      tails.set(name, tail)
      try {
        if (previous !== undefined && 'signal' in options) {
          await Promise.race([previous, abortOf(options.signal)])
        }
        return await work({})
      } finally {
        release()
        // A request that aborted while waiting must not let later requests overtake earlier ones.
        if (previous === undefined && tails.get(name) === tail) tails.delete(name)
        else void deleteWhenReleased(tails, name, tail)
      }
    },
  }
}

async function bothOf(first: Promise<void> | undefined, second: Promise<void>): Promise<void> {
  await first
  await second
}

async function deleteWhenReleased(
  tails: Map<string, Promise<void>>,
  name: string,
  tail: Promise<void>,
): Promise<void> {
  await tail
  if (tails.get(name) === tail) tails.delete(name)
}

/** Rejects with the signal's reason on abort; never resolves. */
function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
  })
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  const deferred: { resolve?: () => void } = {}
  const promise = new Promise<void>((resolve) => {
    deferred.resolve = resolve
  })
  return { promise, resolve: () => deferred.resolve?.() }
}
