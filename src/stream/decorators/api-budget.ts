/**
 * Keeps all gateways of an account below Stream's rate limit: 1,200 requests per five minutes for all tokens
 * together. Above the limit, Stream rejects every request for the next five minutes.
 * https://developers.cloudflare.com/fundamentals/api/reference/limits/
 */
import type { RateWindow, RateLimiter } from '../../uploads/ports/rate-limiter.ts'

/** Rate-limiter key that all gateways of an account share. */
const KEY = 'stream-api'
const WINDOW_MS = 300_000
/** Maximum block. A longer Retry-After is capped, because Stream's own block of five minutes has ended by then. */
const MAX_BLOCK_SECONDS = 600
const MINUTE_MS = 60_000
/**
 * Minimum of the limit of sync calls per minute. Sync calls are limited per minute too, so that they do not
 * use up their five-minute share at once and then pause.
 */
const MIN_PER_MINUTE = 8

/** Share reserved for mutations: a caller waits for their response. */
const MUTATION_SHARE = 0.2

/** Priority of a call: mutations may use the whole budget, sync only its share. */
export type CallPriority = 'mutation' | 'sync'

/** Budget of requests to Stream. Methods reject if the rate limiter is unavailable; callers then send nothing. */
export interface ApiBudget {
  /** Counts a request and returns null; at the limit, counts nothing and returns seconds to wait. */
  consume(purpose: CallPriority): Promise<number | null>
  /** Blocks all calls for this many seconds, after a 429 with Retry-After. */
  blockFor(seconds: number): Promise<void>
  /** Returns the remaining requests of the current five minutes, for mutations; Infinity without a limit. */
  remaining(): Promise<number>
}

/**
 * Creates a budget of `requests` per five minutes, for all gateways that share the rate limiter.
 * Null means unlimited, as for an emulator: no call is counted, and a block applies to this gateway
 * only. The rate limiter is not used then, because every call would wait for it.
 * @param monotonicMs milliseconds of a monotonic clock
 */
export function createApiBudget(
  rateLimiter: RateLimiter,
  requests: number | null,
  monotonicMs: () => number,
): ApiBudget {
  if (requests === null) return createUncountedBudget(monotonicMs)
  const windows = rateWindowsOf(requests)
  return {
    async consume(purpose) {
      const consumed = await rateLimiter.consume(KEY, windows[purpose])
      return consumed.kind === 'consumed' ? null : consumed.retryAfterSeconds
    },
    blockFor: (seconds) => rateLimiter.block(KEY, blockMs(seconds)),
    remaining: async () =>
      Math.max(0, requests - (await rateLimiter.countConsumed(KEY, WINDOW_MS))),
  }
}

function rateWindowsOf(requests: number): Readonly<Record<CallPriority, readonly RateWindow[]>> {
  const share = requests * (1 - MUTATION_SHARE)
  return {
    mutation: [{ limit: requests, windowMs: WINDOW_MS }],
    sync: [
      { limit: Math.ceil(share), windowMs: WINDOW_MS },
      { limit: Math.ceil(Math.max(MIN_PER_MINUTE, share / 5)), windowMs: MINUTE_MS },
    ],
  }
}

function createUncountedBudget(monotonicMs: () => number): ApiBudget {
  let blockedUntilMs = -Infinity
  return {
    async consume() {
      const remainingMs = blockedUntilMs - monotonicMs()
      return remainingMs > 0 ? Math.ceil(remainingMs / 1000) : null
    },
    async blockFor(seconds) {
      blockedUntilMs = Math.max(blockedUntilMs, monotonicMs() + blockMs(seconds))
    },
    remaining: () => Promise.resolve(Number.POSITIVE_INFINITY),
  }
}

function blockMs(seconds: number): number {
  return Math.min(seconds, MAX_BLOCK_SECONDS) * 1000
}
