/** Spans by the API of OpenTelemetry, which does nothing until somebody registers an SDK. */
import { type Span, SpanKind, SpanStatusCode, isSpanContextValid, trace } from '@opentelemetry/api'
import { type SpanRole, type Traces, noTraces } from '../uploads/ports/tracing.ts'

const KINDS: Readonly<Record<SpanRole, SpanKind>> = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
}

/**
 * Whether there is an SDK is found out once, so that without one no span is begun at all: it has to be
 * registered before the gateway starts, as `NODE_OPTIONS=--import` does.
 */
export function createTraces(): Traces {
  const tracer = trace.getTracer('headgate')
  // Never ended, and so never exported. Without an SDK it has no identity.
  const probe = tracer.startSpan('probe', { root: true })
  if (!isSpanContextValid(probe.spanContext())) return noTraces
  return {
    tracing: true,
    inSpan: (name, role, facts, work) =>
      tracer.startActiveSpan(name, { kind: KINDS[role], attributes: facts }, async (span) => {
        try {
          return await work({
            note: (found) => span.setAttributes(found),
            fail: (kind) => fail(span, kind),
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

/** A StreamError has a kind, others a name. No message: it may quote what nobody else should read. */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'kind' in error && typeof error.kind === 'string' ? error.kind : error.name
}
