/** Decorator: tracks the availability of Stream by the results of all calls, for `/readyz`. */
import type { StreamApi } from '../../uploads/ports/stream-api.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'
import { wrapCalls } from './wrap-calls.ts'

/** Calls must fail for this long before Stream counts as unavailable: one lost response is no outage. */
const UNAVAILABLE_AFTER_MS = 15_000
/** Minimum interval between probes while calls fail. Probes detect a recovery when clients send no requests. */
const PROBE_INTERVAL_MS = 5000

/** Availability of Stream according to recent calls. */
export interface StreamAvailability {
  /** Time of the last response; null if there was none yet. */
  readonly respondedAt: Date | null
  /** Time of the first failure since the last response; null if no call has failed since. */
  readonly failingSince: Date | null
  /** Whether at least 15 seconds passed between the first and the last failure since the last response. */
  readonly isUnavailable: boolean
}

/** Clock for timestamps, and monotonic clock for durations. */
export interface ReachabilityClock {
  now(): Date
  /** Milliseconds. */
  monotonicMs(): number
}

export interface AvailabilityTracker {
  /** The wrapped API, which records every call. `withBudget` must wrap it, not the reverse. */
  readonly streamApi: StreamApi
  readonly current: () => StreamAvailability
  /**
   * Lists one video at Stream if the last call failed and the last probe is at least 5 seconds ago.
   * Never rejects; `current` returns the result.
   * @param budgetedApi this API inside the budget, where the probe must consume budget
   */
  readonly probe: (budgetedApi: StreamApi) => Promise<void>
}

/**
 * Tracks the availability of a StreamApi. Calls without a usable response and calls with a rejected token count
 * as failures, because no upload can be minted then. All other responses count as available, including errors
 * and 429. A call that was not sent, because it was invalid or aborted, counts as neither. A call that resolves
 * without a request, such as for an invalid uid, counts as a response. The upload host is not tracked.
 */
export function withAvailability(
  backend: StreamApi,
  clock: ReachabilityClock,
): AvailabilityTracker {
  let respondedAt: Date | null = null
  let failing: { readonly since: Date; readonly sinceMs: number; readonly untilMs: number } | null =
    null
  let probedAt = Number.NEGATIVE_INFINITY

  function recordResponse(): void {
    respondedAt = clock.now()
    failing = null
  }

  function recordFailure(): void {
    const at = clock.monotonicMs()
    failing = {
      since: failing?.since ?? clock.now(),
      sinceMs: failing?.sinceMs ?? at,
      untilMs: at,
    }
  }

  async function track<T>(run: () => Promise<T>): Promise<T> {
    try {
      const result = await run()
      recordResponse()
      return result
    } catch (error) {
      if (error instanceof StreamError) {
        if (error.kind === 'unavailable' || error.kind === 'unauthorized') recordFailure()
        else if (error.status !== null) recordResponse()
      }
      throw error
    }
  }

  return {
    streamApi: wrapCalls(backend, (call, run) => (call === 'readTusOffset' ? run() : track(run))),
    current() {
      const isUnavailable =
        failing !== null && failing.untilMs - failing.sinceMs >= UNAVAILABLE_AFTER_MS
      return { respondedAt, failingSince: failing?.since ?? null, isUnavailable }
    },
    async probe(budgetedApi) {
      const at = clock.monotonicMs()
      if (failing === null || at - probedAt < PROBE_INTERVAL_MS) return
      probedAt = at
      try {
        await budgetedApi.listVideos({ limit: 1 })
      } catch {
        // The wrapper has recorded the failure. Without budget, no request was sent.
      }
    },
  }
}

/**
 * Returns a message for the operator if Stream is unavailable; null if it is available.
 * @param where where the operator finds the cause, such as the log
 */
export function unavailableReason(
  { isUnavailable, failingSince }: StreamAvailability,
  where: string,
): string | null {
  return isUnavailable && failingSince !== null
    ? `Cloudflare Stream has been unavailable since ${failingSince.toISOString()}. See ${where}.`
    : null
}
