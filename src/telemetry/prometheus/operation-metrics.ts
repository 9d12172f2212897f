/** Measures GraphQL operations by type and name. */
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
  readonly operation: (kind: OperationKind, name: string | null) => OperationMeter
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
  const nameOf = createOperationLabels()
  const meters: Readonly<Record<OperationKind, Map<string, OperationMeter>>> = {
    query: new Map(),
    mutation: new Map(),
    subscription: new Map(),
  }

  function meterFor(kind: OperationKind, operation: string): OperationMeter {
    const histogram = kind === 'subscription' ? subscriptions : durations
    const observe = histogram.add(`kind="${kind}",operation="${operation}"`)
    const failed = errors.labels({ kind, operation })
    // Starts at 0, so that `rate` sees the first error.
    failed.inc(0)
    return {
      name: operation,
      done(seconds, outcome) {
        observe(seconds)
        if (outcome === 'errors') failed.inc()
      },
    }
  }

  return {
    operation(kind, name) {
      const operation = nameOf(name)
      const known = meters[kind].get(operation)
      if (known !== undefined) return known
      const meter = meterFor(kind, operation)
      meters[kind].set(operation, meter)
      return meter
    },
    text: () => `${durations.text()}\n${subscriptions.text()}`,
  }
}

/** Maximum of operation names used as labels: clients choose names, and Prometheus keeps each. */
export const MAX_OPERATION_LABELS = 100

/** Label of operations without a name. */
export const ANONYMOUS = 'anonymous'

/** Label of operations whose name gets no label of its own. */
export const OTHER = 'other'

/** https://spec.graphql.org/October2021/#Name, up to 64 characters. */
const REGULAR_NAME = /^[_A-Za-z]\w{0,63}$/

/** Generated names that contain an identifier, and so differ each time. */
const GENERATED_NAME = /[\da-f]{8}|\d{5}/i

/** Maps a name to its label: the first MAX_OPERATION_LABELS names, and the two labels above. */
export function createOperationLabels(): (name: string | null) => string {
  const known = new Set<string>()
  return (name) => {
    if (name === null || name === '') return ANONYMOUS
    if (known.has(name)) return name
    if (known.size >= MAX_OPERATION_LABELS || !REGULAR_NAME.test(name) || GENERATED_NAME.test(name))
      return OTHER
    known.add(name)
    return name
  }
}
