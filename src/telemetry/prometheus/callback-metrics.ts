/** Measures attempts to deliver callbacks. */
import type { Telemetry } from '../../uploads/ports/telemetry.ts'
import { createFastHistogram } from './fast-histogram.ts'

/** An attempt times out after ten seconds. */
const ATTEMPT_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export interface CallbackMetrics extends Pick<Telemetry, 'callbackAttempted'> {
  /** Returns the durations in Prometheus text format. */
  readonly text: () => string
}

export function createCallbackMetrics(): CallbackMetrics {
  const attempts = createFastHistogram({
    name: 'headgate_callback_attempt_duration_seconds',
    help: 'Seconds that attempts to deliver callbacks took, by target and outcome.',
    buckets: ATTEMPT_SECONDS,
  })
  return {
    callbackAttempted: (target, outcome, seconds) =>
      attempts.series(`target="${target}",outcome="${outcome}"`)(seconds),
    text: () => attempts.text(),
  }
}
