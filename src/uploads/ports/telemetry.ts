/**
 * The port through which every room says what happened, for whoever operates the gateway. Nothing it
 * is given names a person or an upload, and nothing it does can fail or delay the work that it tells of.
 */
import type { SyncReport } from '../sync/synchronizer.ts'
import type { UploadEventSource, UploadProtocol, UploadStatus } from '../upload.ts'
import type { Traces } from './tracing.ts'

/** The kinds of operation that GraphQL has. https://spec.graphql.org/October2021/#OperationType */
export type OperationKind = 'query' | 'mutation' | 'subscription'

/** Measures the operations of one kind and name: to be kept with the document, and used often. */
export interface OperationMeter {
  /** The name under which it is counted: its own, or `anonymous`, or `other`. */
  readonly name: string
  /**
   * One operation was answered, after so many seconds. `errors` where the answer has errors of
   * GraphQL; an expected failure is data, and is `ok`. A subscription counts from its start to its end.
   */
  done(seconds: number, outcome: 'ok' | 'errors'): void
}

/** Why somebody was turned away without an HTTP status that says so, or before the doors. */
export type RefusalReason =
  /** No token, or one that is not valid. */
  | 'unauthenticated'
  /** A caller did something too often. */
  | 'rate-limited'
  /** A caller has as many operations, subscriptions or sockets open as anybody may. */
  | 'crowded'
  /** What was sent is no GraphQL, or none that the schema and the bounds on documents allow. */
  | 'invalid'
  /** The gateway has more to do than it can do in time. */
  | 'overloaded'

/** What carries a subscription. */
export type SubscriptionTransport = 'sse' | 'websocket'

/** What became of a notice: see receive-notice.ts and notice.ts. */
export type NoticeFate = 'applied' | 'kept' | 'unsigned' | 'malformed'

/** A change of status. */
export interface Move {
  readonly from: UploadStatus
  readonly to: UploadStatus
  /** Who told us: many moves by SYNC and few by WEBHOOK mean that notices are lost. */
  readonly source: UploadEventSource
  /** Seconds spent in `from`; null where that is not known. */
  readonly seconds: number | null
}

/** The port. Every call is cheap and none throws. */
export interface Telemetry extends Traces {
  /** The meter of operations by this name (null for none), the same for the same two. */
  operation(kind: OperationKind, name: string | null): OperationMeter
  /** A door (by its path; null where there is none at that path) answered with this status. */
  answered(door: string | null, method: string, status: number): void
  /** Somebody was turned away. `door` is a path of the gateway's doors. */
  refused(door: string, reason: RefusalReason): void

  /** A URL was asked for. `outcome` is the `kind` of what createUpload returned. */
  minted(protocol: UploadProtocol, outcome: string): void
  moved(move: Move): void
  /** `lagSeconds` from Stream's signature to us; null where there is no signature to believe. */
  noticeArrived(fate: NoticeFate, lagSeconds: number | null): void
  /** A round of synchronisation is over; null where it failed. */
  synchronised(report: SyncReport | null, seconds: number): void
  /** A request to Stream was answered, or not. `outcome` is `ok` or the kind of a StreamError. */
  streamAnswered(call: string, outcome: string, seconds: number): void

  /** One more subscription is open; call what comes back, once, when it ends. */
  subscribed(transport: SubscriptionTransport): () => void
  /** The same for a WebSocket. */
  socketOpened(): () => void
}
