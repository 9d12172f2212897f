/** Locks of upload URLs: one writer at a time. Only a connected writer makes `acquire` fail. */
import type { IncomingMessage } from 'node:http'

interface UploadLock {
  /** Null if the emulator itself holds the lock. */
  readonly request: IncomingMessage | null
  readonly done: Promise<void>
}

export class UploadLocks {
  readonly #locks = new Map<string, UploadLock>()

  /** Returns the function that releases the lock; null while another connected client holds it. */
  async acquire(uid: string, request: IncomingMessage): Promise<(() => void) | null> {
    await this.waitForDisconnected(uid)
    return this.tryAcquire(uid, request)
  }

  /** Returns the function that releases the lock; null while it is held. */
  tryAcquire(uid: string, request: IncomingMessage | null = null): (() => void) | null {
    if (this.#locks.has(uid)) return null
    const { promise: done, resolve } = withResolvers()
    this.#locks.set(uid, { request, done })
    return () => {
      this.#locks.delete(uid)
      resolve()
    }
  }

  /**
   * Waits until the last bytes of a disconnected client are written, or the emulator has freed the bytes of the
   * upload. Without this, a client that reconnects immediately would read an offset that still changes.
   */
  async waitForDisconnected(uid: string): Promise<void> {
    const lock = this.#locks.get(uid)
    if (lock !== undefined && lock.request?.destroyed !== false) await lock.done
  }
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  const holder: { resolve?: () => void } = {}
  const promise = new Promise<void>((resolve) => {
    holder.resolve = resolve
  })
  return { promise, resolve: () => holder.resolve?.() }
}
