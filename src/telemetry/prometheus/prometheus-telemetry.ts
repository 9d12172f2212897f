/** Keeps telemetry for Prometheus, by prom-client. https://prometheus.io/docs/practices/naming/ */
import { Counter, Histogram, Registry } from 'prom-client'
import { createAnswerCounts } from './http-metrics.ts'
import { type GaugeParts, observeGauges } from './state-gauges.ts'
import { createOpenCounts } from '../open-counts.ts'
import { createOperationMeters } from './operation-metrics.ts'
import { processMetrics } from '../process-metrics.ts'
import { shared } from './single-flight.ts'
import type { Telemetry } from '../../uploads/ports/telemetry.ts'
import type { Traces } from '../../uploads/ports/tracing.ts'
import { createUploadCounts } from './upload-metrics.ts'

/** All that was measured, as Prometheus reads it. */
export interface Exposition {
  /** The content type of the text. */
  readonly type: string
  readonly text: string
}

export interface PrometheusTelemetry {
  readonly telemetry: Telemetry
  /** Reads the gauges and writes everything down. Those who ask at the same time get the same. */
  readonly expose: () => Promise<Exposition>
}

/** Stream's own time-outs are 10 seconds, 30 for a mint. */
const STREAM_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30]

/** A registry of its own, so that several gateways may run in one process. */
export function createPrometheusTelemetry(
  parts: GaugeParts & { readonly traces: Traces },
): PrometheusTelemetry {
  const registry = new Registry()
  const registers = [registry]
  const refusals = new Counter({
    name: 'headgate_refusals_total',
    help: 'Callers who were turned away, by door and reason.',
    labelNames: ['door', 'reason'],
    registers,
  })
  const requests = new Histogram({
    name: 'headgate_stream_request_duration_seconds',
    help: "Requests to Stream, by call and outcome: `ok`, or the kind of trouble. Those that the gateway's own budget held back are not among them.",
    labelNames: ['call', 'outcome'],
    buckets: STREAM_SECONDS,
    registers,
  })
  const operations = createOperationMeters(registry)
  const telemetry: Telemetry = {
    ...parts.traces,
    operation: operations.operation,
    answered: createAnswerCounts(registry),
    refused: (door, reason) => refusals.inc({ door, reason }),
    streamAnswered: (call, outcome, seconds) => requests.observe({ call, outcome }, seconds),
    ...createUploadCounts(registry),
    ...createOpenCounts(registry),
  }
  observeGauges(registry, parts)
  const ofProcess = processMetrics()

  const expose = shared(async (): Promise<Exposition> => {
    const texts = await Promise.all([registry.metrics(), ofProcess.metrics()])
    return { type: registry.contentType, text: [...texts, operations.text()].join('\n') }
  })
  return { telemetry, expose }
}
