/** Telemetry adapter over prom-client. https://prometheus.io/docs/practices/naming/ */
import { collectDefaultMetrics, Counter, Registry } from 'prom-client'
import { createFastHistogram } from './fast-histogram.ts'
import { createResponseMetrics, createConnectionMetrics } from './http-metrics.ts'
import { type GaugeOptions, registerStateGauges } from './state-gauges.ts'
import { createOperationMetrics } from './operation-metrics.ts'
import { reuseFor } from './single-flight.ts'
import type { Telemetry } from '../../uploads/ports/telemetry.ts'
import type { Tracing } from '../../uploads/ports/tracing.ts'
import { createUploadMetrics } from './upload-metrics.ts'

/** Metrics in Prometheus text format. */
export interface Exposition {
  /** Content type of `text`. */
  readonly type: string
  readonly text: string
}

export interface PrometheusTelemetry {
  readonly telemetry: Telemetry
  /** Reads the gauges and returns all metrics. Callers within one second share one result. */
  readonly expose: () => Promise<Exposition>
}

/** Buckets: Stream requests time out after 10 seconds, mints after 30. */
const STREAM_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30]

/** Buckets: an attempt to deliver a callback times out after ten seconds. */
const CALLBACK_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Milliseconds for which an exposition is reused: collecting it costs several queries. */
const REUSE_MS = 1000

/** Creates its own registry, so that several gateways can run in one process. */
export function createPrometheusTelemetry(
  dependencies: GaugeOptions & { readonly tracing: Tracing },
): PrometheusTelemetry {
  const registry = new Registry()
  const registers = [registry]
  const rejections = new Counter({
    name: 'headgate_rejections_total',
    help: 'Requests rejected, by route and reason.',
    labelNames: ['route', 'reason'],
    registers,
  })
  const requests = createFastHistogram({
    name: 'headgate_stream_request_duration_seconds',
    help: "Seconds that requests to Stream took, by call and outcome: `ok` or the kind of error. Calls rejected by the gateway's own request budget are not counted.",
    buckets: STREAM_SECONDS,
  })
  // A target is named by its origin, which needs no escaping.
  const attempts = createFastHistogram({
    name: 'headgate_callback_attempt_duration_seconds',
    help: 'Seconds that attempts to deliver callbacks took, by target and outcome.',
    buckets: CALLBACK_SECONDS,
  })
  const operations = createOperationMetrics(registry)
  const telemetry: Telemetry = {
    ...dependencies.tracing,
    operationMeter: operations.operation,
    responseSent: createResponseMetrics(registry),
    requestRejected: (endpoint, reason) => rejections.inc({ route: endpoint, reason }),
    streamCallCompleted: (call, outcome, seconds) =>
      requests.series(`call="${call}",outcome="${outcome}"`)(seconds),
    callbackAttempted: (target, outcome, seconds) =>
      attempts.series(`target="${target}",outcome="${outcome}"`)(seconds),
    ...createUploadMetrics(registry),
    ...createConnectionMetrics(registry),
  }
  registerStateGauges(registry, dependencies)
  const processRegistry = processMetrics()

  const expose = reuseFor(REUSE_MS, dependencies.clock, async (): Promise<Exposition> => {
    const texts = await Promise.all([registry.metrics(), processRegistry.metrics()])
    return {
      type: registry.contentType,
      text: [...texts, requests.text(), operations.text(), attempts.text()].join('\n'),
    }
  })
  return { telemetry, expose }
}

/** One per process: each set of default metrics has its own timers and observers. */
let sharedProcessRegistry: Registry | null = null

export function processMetrics(): Registry {
  if (sharedProcessRegistry === null) {
    sharedProcessRegistry = new Registry()
    collectDefaultMetrics({ register: sharedProcessRegistry })
  }
  return sharedProcessRegistry
}
