/**
 * Port for the outbox of callbacks. An event is recorded in the transaction of its change, with one delivery per
 * target. Deliveries of an upload to a target are due one after the other, in the order of its versions.
 */
import type { CallbackType } from '../callbacks/callback-type.ts'

/** An event for the application. */
export interface CallbackEvent {
  /** The `webhook-id`: equal for all targets and attempts. Sorts by time. */
  readonly id: string
  readonly type: CallbackType
  readonly uploadId: string
  /** Version of the upload that the event tells of. */
  readonly version: number
  /** Time of the change. */
  readonly at: Date
  /** JSON, sent as it is. */
  readonly body: string
}

/** What a store records with a change. */
export interface CallbackWrite {
  readonly event: CallbackEvent
  /** URLs, each once; at least one. */
  readonly targets: readonly string[]
}

/** A claimed delivery. */
export interface DueDelivery {
  readonly event: CallbackEvent
  readonly target: string
  /** Attempts so far. */
  readonly attempts: number
  /** Identifies the claim. By the store's clock, so that only the store compares it. */
  readonly leaseUntil: Date
}

/** What becomes of a claimed delivery. */
export type DeliveryOutcome =
  | { readonly kind: 'delivered' }
  /** Failed, and due again at this time. */
  | { readonly kind: 'failed'; readonly retryAt: Date }
  /** Failed for the last time: a dead letter. */
  | { readonly kind: 'dead' }
  /** Not attempted, and due again at this time. */
  | { readonly kind: 'postponed'; readonly until: Date }

export interface DeliveryResult {
  readonly delivery: DueDelivery
  readonly outcome: DeliveryOutcome
  /** HTTP status of the response; null without a response. */
  readonly status: number | null
  /** Why the attempt failed, without secrets; null if it did not. */
  readonly error: string | null
}

export const deliveryStates = ['waiting', 'delivered', 'dead'] as const
export type DeliveryState = (typeof deliveryStates)[number]

/** A delivery as operators see it. */
export interface ListedDelivery {
  readonly event: Omit<CallbackEvent, 'body'>
  readonly target: string
  readonly state: DeliveryState
  readonly attempts: number
  /**
   * Next attempt. During one, the end of its claim, or on a store with claims in memory the time at which it was due.
   * Null if an earlier event of the upload waits, or no attempt follows.
   */
  readonly dueAt: Date | null
  /** When it was delivered or became a dead letter; null while it waits. */
  readonly doneAt: Date | null
  /** HTTP status of the last attempt; null without a response. */
  readonly lastStatus: number | null
  /** Why the last attempt failed; null if it did not. */
  readonly lastError: string | null
}

/** Deliveries to send again: those of one event, all dead letters, or all of events since a time. */
export type ReplayFilter =
  | { readonly kind: 'event'; readonly id: string }
  | { readonly kind: 'dead' }
  | { readonly kind: 'since'; readonly since: Date }

/** Maximum of counted deliveries; this value means that many or more. */
export const DELIVERY_COUNT_LIMIT = 10_000

/** Deliveries to one target; the counts are at most DELIVERY_COUNT_LIMIT. */
export interface TargetCounts {
  readonly waiting: number
  readonly dead: number
  /** Time of the oldest change that waits; null if none does. */
  readonly oldestWaiting: Date | null
}

/**
 * Longest time in milliseconds between two attempts. A later attempt was scheduled under a wrong clock, and
 * `UploadStore.runMaintenance` makes it due.
 */
export const MAX_RETRY_DELAY_MS = 2 * 86_400_000

/** How long deliveries are kept after they were delivered or became dead letters, in milliseconds. */
export const DELIVERED_KEPT_MS = 86_400_000
export const DEAD_KEPT_MS = 30 * 86_400_000
/** Age in milliseconds at which an event that still waits becomes a dead letter, as of a target that was removed. */
export const MAX_WAIT_MS = 30 * 86_400_000

/** The port. Resolved writes are durable. Every call rejects with `StoreUnavailable` if the database does not respond. */
export interface CallbackStore {
  /**
   * Claims up to `limit` due deliveries to the target, the longest due first. A claimed delivery is not returned
   * again before `until`, unless its result is recorded. Safe for concurrent gateways.
   */
  claimDeliveries(
    target: string,
    now: Date,
    limit: number,
    until: Date,
  ): Promise<readonly DueDelivery[]>
  /**
   * Records results in one transaction. The next event of the upload is due once its predecessor is delivered or
   * dead. A result whose claim has passed to another gateway is ignored.
   */
  recordResults(results: readonly DeliveryResult[], now: Date): Promise<void>
  /** Returns when the next delivery to one of these targets is due, in the past or future; null if none waits. */
  nextDelivery(targets: readonly string[]): Promise<Date | null>
  /** Counts the deliveries to each target, at bounded cost. */
  countDeliveries(targets: readonly string[]): Promise<ReadonlyMap<string, TargetCounts>>
  /** Lists deliveries to all targets, also to those that are not configured: waiting oldest first, others newest first. */
  listDeliveries(state: DeliveryState, limit: number): Promise<readonly ListedDelivery[]>
  /**
   * Makes up to `limit` delivered or dead deliveries wait again, with their ids and without their attempts. Returns
   * their number. Deliveries that were done after `now` are left out, so that repeated calls end.
   */
  replayDeliveries(filter: ReplayFilter, now: Date, limit: number): Promise<number>
  /**
   * Turns up to `limit` deliveries that wait for longer than MAX_WAIT_MS into dead letters, and deletes as many that
   * were delivered or dead for longer than kept, with events that no delivery needs. Returns the larger number.
   * `UploadStore.runMaintenance` calls it.
   */
  deleteOldDeliveries(now: Date, limit: number): Promise<number>
}
