/**
 * Pauses a target that is unavailable as a whole. Otherwise thousands of waiting callbacks would use up their attempts
 * while it is down. Other failures do not pause it: a target that rejects the callbacks of one creator must get those
 * of others.
 */
import type { Clock } from '../shared/clock.ts'

/** Failures in a row after which a target counts as unavailable. */
const FAILURES_UNTIL_PAUSE = 5
/** First and longest pause in milliseconds between two attempts to reach an unavailable target. */
const MIN_PAUSE_MS = 1000
const MAX_PAUSE_MS = 60_000

export interface TargetPause {
  /** Returns how many callbacks may be sent now in addition to those in flight. An unavailable target gets one at a time. */
  slots(inFlight: number, limit: number): number
  /** Milliseconds until the pause ends; 0 without a pause. */
  remainingMs(): number
  /** The target is available: it responded, with any status but 429 and 503. */
  responded(): void
  /**
   * The target did not respond, or responded with 429 or 503.
   * @param retryAfterMs wait that the target asked for; null if none
   */
  failed(retryAfterMs: number | null): void
}

export function createTargetPause({ monotonicMs }: Pick<Clock, 'monotonicMs'>): TargetPause {
  let failures = 0
  let pauseMs = 0
  /** On the scale of `monotonicMs`. */
  let pausedUntil = -Infinity
  const isPaused = (): boolean => monotonicMs() < pausedUntil

  function pauseFor(milliseconds: number): void {
    pausedUntil = Math.max(pausedUntil, monotonicMs() + Math.min(milliseconds, MAX_PAUSE_MS))
  }

  return {
    slots(inFlight, limit) {
      if (isPaused()) return 0
      return Math.max(0, (failures < FAILURES_UNTIL_PAUSE ? limit : 1) - inFlight)
    },
    remainingMs: () => Math.max(0, pausedUntil - monotonicMs()),
    responded() {
      failures = 0
      pauseMs = 0
      pausedUntil = -Infinity
    },
    failed(retryAfterMs) {
      failures += 1
      // Attempts that were in flight when the pause began do not lengthen it.
      if (failures >= FAILURES_UNTIL_PAUSE && !isPaused()) {
        pauseMs = Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, 2 * pauseMs))
        pauseFor(pauseMs)
      }
      if (retryAfterMs !== null) pauseFor(retryAfterMs)
    },
  }
}
