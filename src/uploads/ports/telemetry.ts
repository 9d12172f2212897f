/**
 * Port for metrics and traces. Its arguments identify no person and no upload. An adapter must never fail
 * or delay the operation that it measures.
 */
import type { UploadEventSource, UploadProtocol, UploadStatus } from '../upload.ts'
import type { Tracing } from './tracing.ts'

/** GraphQL operation types. https://spec.graphql.org/October2021/#OperationType */
export type OperationKind = 'query' | 'mutation' | 'subscription'

/** Meter of the operations with one kind and root field. Cached with the document and reused. */
export interface OperationMeter {
  /**
   * Records one operation and its duration. `errors` means GraphQL errors in the result; expected failures
   * are data and count as `ok`. A subscription counts from its start to its end.
   */
  done(seconds: number, outcome: 'ok' | 'errors'): void
}

/** Why a request was rejected without an HTTP status that says so, or before routing. */
export type RejectionReason =
  /** Missing or invalid token. */
  | 'unauthenticated'
  /** The caller exceeded a rate limit. */
  | 'rate_limited'
  /** The caller reached its limit of concurrent operations, subscriptions or WebSockets. */
  | 'concurrency_limit'
  /** Not GraphQL, or rejected by the schema or by the document limits. */
  | 'invalid'
  /** The document is not one of the trusted documents. */
  | 'untrusted_document'
  /** The load shedder rejected the request. */
  | 'overloaded'

/** Transport of a subscription. */
export type SubscriptionTransport = 'sse' | 'websocket'

/** Outcome of a webhook: see status/receive-webhook.ts and the HTTP handler. */
export type WebhookOutcome = 'applied' | 'unmatched' | 'invalid_signature' | 'malformed'

/** A change of status. */
export interface StatusTransition {
  readonly from: UploadStatus
  readonly to: UploadStatus
  /** Source of the change. Many transitions by SYNC and few by WEBHOOK mean that webhooks are lost. */
  readonly source: UploadEventSource
  /** Seconds spent in `from`; null if unknown. */
  readonly seconds: number | null
}

/** How an attempt to deliver a callback ended; `dead` if it failed and was the last one. */
export type CallbackAttemptOutcome =
  | 'delivered'
  /** The target responded with another status than 2xx. */
  | 'rejected'
  | 'timeout'
  | 'connection_failed'
  | 'dead'

/** The port. Every call is cheap and none throws. */
export interface Telemetry extends Tracing {
  /**
   * Returns the meter for this kind and root field; equal arguments give the same meter.
   * @param field a field of the schema, never text that a client chose: adapters keep each value
   */
  operationMeter(kind: OperationKind, field: string): OperationMeter
  /** Counts an HTTP response. `endpoint` is the route's path; null for unknown paths. */
  responseSent(endpoint: string | null, method: string, status: number): void
  /** Counts a rejected request. `endpoint` is the path of a route. */
  requestRejected(endpoint: string, reason: RejectionReason): void

  /** Counts a create request. `outcome` is the `kind` of createUpload's result. */
  minted(protocol: UploadProtocol, outcome: string): void
  statusChanged(transition: StatusTransition): void
  /** `lagSeconds` runs from the signature timestamp to arrival; null without a valid signature. */
  webhookReceived(outcome: WebhookOutcome, lagSeconds: number | null): void
  /** Records a finished sync run; the report is null if the run failed. */
  syncCompleted(report: SyncReport | null, seconds: number): void
  /** Records a request to Stream. `outcome` is `ok` or the kind of the StreamError. */
  streamCallCompleted(call: string, outcome: string, seconds: number): void
  /** Records an attempt to deliver a callback. `target` is the origin of its URL. */
  callbackAttempted(target: string, outcome: CallbackAttemptOutcome, seconds: number): void

  /** Counts an open subscription; the caller calls the returned function once, when it ends. */
  subscriptionOpened(transport: SubscriptionTransport): () => void
  /** The same for a WebSocket. */
  webSocketOpened(): () => void
}

/** Result of one sync run. */
export interface SyncReport {
  readonly polled: number
  readonly changed: number
  /** Videos deleted at Stream because no upload refers to them. */
  readonly orphansDeleted: number
}
