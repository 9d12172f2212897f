/** Tracing adapter over the OpenTelemetry API, which is a no-op until an SDK is registered. */
import {
  type Span,
  SpanKind as OpenTelemetrySpanKind,
  SpanStatusCode,
  isSpanContextValid,
  trace,
} from '@opentelemetry/api'
import { type SpanKind, type Tracing, noopTracing } from '../uploads/ports/tracing.ts'

const KINDS: Readonly<Record<SpanKind, OpenTelemetrySpanKind>> = {
  server: OpenTelemetrySpanKind.SERVER,
  client: OpenTelemetrySpanKind.CLIENT,
  consumer: OpenTelemetrySpanKind.CONSUMER,
  internal: OpenTelemetrySpanKind.INTERNAL,
}

/**
 * Returns no-op tracing without an SDK, so that no span is started. The SDK is detected once: it must
 * be registered before the gateway starts, as `NODE_OPTIONS=--import` does.
 */
export function createOpenTelemetryTracing(): Tracing {
  const tracer = trace.getTracer('headgate')
  // Never ended, so never exported. Without an SDK its context is invalid.
  const probe = tracer.startSpan('probe', { root: true })
  if (!isSpanContextValid(probe.spanContext())) return noopTracing
  return {
    tracing: true,
    inSpan: (name, kind, attributes, work) =>
      tracer.startActiveSpan(name, { kind: KINDS[kind], attributes }, async (span) => {
        try {
          return await work({
            setAttributes: (added) => span.setAttributes(added),
            fail: (errorKind) => fail(span, errorKind),
          })
        } catch (error) {
          fail(span, kindOf(error))
          throw error
        } finally {
          span.end()
        }
      }),
  }
}

/** https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/#error-type */
function fail(span: Span, kind: string): void {
  span.setAttribute('error.type', kind)
  span.setStatus({ code: SpanStatusCode.ERROR })
}

/** Kind of a StreamError, name of any other error; not the message, which may quote secrets. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'kind' in error && typeof error.kind === 'string' ? error.kind : error.name
}
