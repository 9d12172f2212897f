/** Port for trace spans: name, duration and kind of error. */

/** Attributes of a span. Must not contain a uid, subject, URL or GraphQL document. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

/** Kind of a span. https://opentelemetry.io/docs/specs/otel/trace/api/#spankind */
export type SpanKind =
  /** Handles an incoming request. */
  | 'server'
  /** Sends a request and waits for the response. */
  | 'client'
  /** Processes an incoming message. */
  | 'consumer'
  /** Work inside the process. */
  | 'internal'

/** A started span. */
export interface Span {
  /** Adds attributes that were not known at the start. */
  setAttributes(attributes: SpanAttributes): void
  /** Marks the span as failed. `kind` is a short error class, never a message. */
  fail(kind: string): void
}

/** Creates spans. */
export interface Tracing {
  /** Whether spans are exported. If false, hot paths can skip creating them. */
  readonly tracing: boolean
  /**
   * Runs `work` in a span that ends with it. Errors are recorded by kind and rethrown. Spans started by
   * `work` become children if the SDK has a context manager.
   */
  inSpan<T>(
    name: string,
    kind: SpanKind,
    attributes: SpanAttributes,
    work: (span: Span) => Promise<T>,
  ): Promise<T>
}

const noopSpan: Span = { setAttributes: () => undefined, fail: () => undefined }

/** No-op tracing: runs the work without a span. */
export const noopTracing: Tracing = {
  tracing: false,
  inSpan: (_name, _kind, _attributes, work) => work(noopSpan),
}
