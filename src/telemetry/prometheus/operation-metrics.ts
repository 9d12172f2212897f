/** Measures GraphQL operations by kind and name. */
import { Counter, type Registry } from 'prom-client'
import { createOperationNames } from '../operation-names.ts'
import { createPlainHistogram } from './fast-histogram.ts'
import type { OperationKind, OperationMeter } from '../../uploads/ports/telemetry.ts'

/** Queries are answered from the database, mutations wait for Stream, 30 seconds at most. */
const ANSWER_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** A page that watches one upload is there for minutes, one that lists uploads for hours. */
const WATCH_SECONDS = [1, 10, 60, 300, 900, 3600, 14_400, 86_400]

/** The meters, and what they have measured. */
export interface OperationMeters {
  /** See `Telemetry.operation`. */
  readonly operation: (kind: OperationKind, name: string | null) => OperationMeter
  /** The durations as Prometheus reads them; errors stand in the registry. */
  readonly text: () => string
}

/** A meter is made once, with its labels; its `done` is a handful of additions. */
export function createOperationMeters(registry: Registry): OperationMeters {
  const answers = createPlainHistogram({
    name: 'headgate_operation_duration_seconds',
    help: 'Queries and mutations: seconds until they were answered.',
    buckets: ANSWER_SECONDS,
  })
  const watches = createPlainHistogram({
    name: 'headgate_subscription_duration_seconds',
    help: 'Subscriptions that are over: seconds for which they were open.',
    buckets: WATCH_SECONDS,
  })
  const errors = new Counter({
    name: 'headgate_operation_errors_total',
    help: 'Operations whose answer had errors of GraphQL. Expected failures are data, and not counted.',
    labelNames: ['kind', 'operation'],
    registers: [registry],
  })
  const nameOf = createOperationNames()
  const meters: Readonly<Record<OperationKind, Map<string, OperationMeter>>> = {
    query: new Map(),
    mutation: new Map(),
    subscription: new Map(),
  }

  function meterFor(kind: OperationKind, operation: string): OperationMeter {
    const histogram = kind === 'subscription' ? watches : answers
    const observe = histogram.add(`kind="${kind}",operation="${operation}"`)
    const failed = errors.labels({ kind, operation })
    // So that a first error is a rise from nothing, which is what a rate can see.
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
    text: () => `${answers.text()}\n${watches.text()}`,
  }
}
