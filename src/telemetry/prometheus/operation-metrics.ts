/** Measures GraphQL operations by type and root field. */
import { Counter, type Registry } from 'prom-client'
import { createFastHistogram } from './fast-histogram.ts'
import type { OperationKind, OperationMeter } from '../../uploads/ports/telemetry.ts'

/** Queries read the database; mutations wait for Stream, up to 30 seconds. */
const DURATION_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
]

/** Subscriptions to one upload last minutes; those of a list page last hours. */
const SUBSCRIPTION_BUCKETS = [1, 10, 60, 300, 900, 3600, 14_400, 86_400]

/** Operation meters and their exposition. */
export interface OperationMetrics {
  /** Implements `Telemetry.operationMeter`. */
  readonly operation: (kind: OperationKind, field: string) => OperationMeter
  /** Returns the durations in Prometheus text format; error counts are in the registry. */
  readonly text: () => string
}

/** Caches one meter with its labels per operation, so that `done` costs a few additions. */
export function createOperationMetrics(registry: Registry): OperationMetrics {
  const durations = createFastHistogram({
    name: 'headgate_operation_duration_seconds',
    help: 'Seconds from the start of a query or mutation to its result.',
    buckets: DURATION_BUCKETS,
  })
  const subscriptions = createFastHistogram({
    name: 'headgate_subscription_duration_seconds',
    help: 'Seconds that ended subscriptions were open.',
    buckets: SUBSCRIPTION_BUCKETS,
  })
  const errors = new Counter({
    name: 'headgate_operation_errors_total',
    help: 'Operations with GraphQL errors. Errors returned as data are not counted.',
    labelNames: ['kind', 'operation'],
    registers: [registry],
  })
  const meters: Readonly<Record<OperationKind, Map<string, OperationMeter>>> = {
    query: new Map(),
    mutation: new Map(),
    subscription: new Map(),
  }

  function createMeter(kind: OperationKind, operation: string): OperationMeter {
    const histogram = kind === 'subscription' ? subscriptions : durations
    const observe = histogram.series(`kind="${kind}",operation="${operation}"`)
    const failed = errors.labels({ kind, operation })
    // Starts at 0, so that `rate` sees the first error.
    failed.inc(0)
    return {
      done(seconds, outcome) {
        observe(seconds)
        if (outcome === 'errors') failed.inc()
      },
    }
  }

  return {
    operation(kind, field) {
      const known = meters[kind].get(field)
      if (known !== undefined) return known
      const meter = createMeter(kind, field)
      meters[kind].set(field, meter)
      return meter
    },
    text: () => `${durations.text()}\n${subscriptions.text()}`,
  }
}
