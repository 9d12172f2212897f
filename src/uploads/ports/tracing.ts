/** Spans, as the gateway needs them: what was done, for how long, and what kind of trouble there was. */

/** What is known of a span besides its name. Never a uid, a subject, a URL or a document. */
export type SpanFacts = Readonly<Record<string, string | number | boolean>>

/** What a span stands for. https://opentelemetry.io/docs/specs/otel/trace/api/#spankind */
export type SpanRole =
  /** Answers a request of somebody else. */
  | 'server'
  /** Asks somebody else, and waits. */
  | 'client'
  /** Takes in what somebody else has sent. */
  | 'consumer'
  /** Neither comes in nor goes out. */
  | 'internal'

/** A span that has begun. */
export interface Span {
  /** Adds what was found out since it began. */
  note(facts: SpanFacts): void
  /** What it stands for went wrong. `kind` is one of a few words, never a message. */
  fail(kind: string): void
}

/** Where spans go, if anywhere. */
export interface Traces {
  /** Whether anybody collects spans: where nobody does, a caller in a hurry need not begin any. */
  readonly tracing: boolean
  /**
   * Does the work inside a span, which ends with it. What the work throws is thrown on, and its kind
   * noted. Spans that the work begins are children of this one where the SDK has a context manager.
   */
  inSpan<T>(
    name: string,
    role: SpanRole,
    facts: SpanFacts,
    work: (span: Span) => Promise<T>,
  ): Promise<T>
}

const unseen: Span = { note: () => undefined, fail: () => undefined }

/** Where nobody collects: the work is done, and that is all. */
export const noTraces: Traces = {
  tracing: false,
  inSpan: (_name, _role, _facts, work) => work(unseen),
}
