/** Measures attempts to deliver callbacks. */
import { Histogram, type Registry } from 'prom-client'
import type { Telemetry } from '../../uploads/ports/telemetry.ts'

/** An attempt times out after ten seconds. */
const ATTEMPT_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function createCallbackMetrics(registry: Registry): Pick<Telemetry, 'callbackAttempted'> {
  const attempts = new Histogram({
    name: 'headgate_callback_attempt_duration_seconds',
    help: 'Seconds that attempts to deliver callbacks took, by target and outcome.',
    labelNames: ['target', 'outcome'],
    buckets: ATTEMPT_SECONDS,
    registers: [registry],
  })
  return {
    callbackAttempted: (target, outcome, seconds) => attempts.observe({ target, outcome }, seconds),
  }
}
