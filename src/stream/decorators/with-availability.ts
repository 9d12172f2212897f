/** Decorator: tracks when Stream last responded, for `/readyz`. */
import type { StreamApi } from '../../uploads/ports/stream-api.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'
import { wrapCalls } from './wrap-calls.ts'

/** Stream is unavailable after calls failed for this long: one lost response is no outage. */
const UNAVAILABLE_AFTER_MS = 15_000
/** Minimum interval between probes while calls fail, which detect a recovery without traffic. */
const PROBE_INTERVAL_MS = 5000

/** Recent availability of Stream, known without a request. */
export interface StreamAvailability {
  /** Last response; null where there was none yet. */
  readonly respondedAt: Date | null
  /** First failure of the current run of failures; null without one. */
  readonly failingSince: Date | null
  /** Whether calls failed for at least 15 seconds, first to last, with no response in between. */
  readonly isUnavailable: boolean
}

/** Clock for timestamps, and monotonic clock for durations. */
export interface ReachabilityClock {
  now(): Date
  /** Milliseconds. */
  monotonicMs(): number
}

export interface AvailabilityTracker {
  /** The wrapped API, which records every call. Place it inside the budget. */
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
 * Tracks the availability of a StreamApi. Every response of the API counts as available, also an
 * error or a 429. No usable response and a rejected token count as failures, since nothing can be
 * minted. A call that was not sent, because it was invalid or aborted, counts as neither. The upload
 * host is not tracked. A call that resolves without a request, such as for an invalid uid, counts
 * as a response.
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
        // The failure is recorded by the wrapper; a probe without budget changes nothing.
      }
    },
  }
}

/**
 * Returns why Stream is unavailable; null if it is available.
 * @param where what the operator reads to find the cause
 */
export function unavailableReason(
  { isUnavailable, failingSince }: StreamAvailability,
  where: string,
): string | null {
  return isUnavailable && failingSince !== null
    ? `Cloudflare Stream has been unavailable since ${failingSince.toISOString()}. See ${where}.`
    : null
}
