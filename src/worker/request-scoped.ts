import type { TokenExpiry } from '../http/auth/token-expiry.ts'
import { type Clock, callAt } from '../shared/clock.ts'
import type { Deadlines } from '../shared/deadlines.ts'

/**
 * A `Map` that ignores `set`. On Workers, promises must not be shared between requests: a promise
 * never settles after the request that created it is cancelled. The database detects duplicate
 * idempotency keys instead, as it does for several gateways.
 */
export class NoopMap<Key, Value> extends Map<Key, Value> {
  override set(): this {
    return this
  }
}

/**
 * A signal that never aborts: Workers have no shutdown signal, the runtime stops them between
 * requests. The runtime's own AbortSignal would belong to the request that created it.
 */
export class NeverAbortedSignal extends EventTarget implements AbortSignal {
  readonly aborted = false
  readonly reason: unknown = undefined
  readonly onabort = null

  throwIfAborted(): void {}

  /** Listeners are never called, so none are stored. */
  override addEventListener(): void {}

  override removeEventListener(): void {}
}

export function createPerRequestDeadlines(milliseconds: number): Deadlines {
  return {
    start(onExpired) {
      const timer = setTimeout(onExpired, milliseconds)
      return () => clearTimeout(timer)
    },
  }
}

export function createPerRequestTokenExpiry(clock: Pick<Clock, 'now' | 'wait'>): TokenExpiry {
  return {
    onExpiry: ({ expiresAt }, expired) =>
      expiresAt === null ? () => undefined : callAt(clock, expiresAt, expired),
  }
}
