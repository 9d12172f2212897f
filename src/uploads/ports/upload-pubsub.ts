/** Port that delivers recorded upload changes to subscribers in this and other processes. */
import type { Upload } from '../upload.ts'

/** Topic of a subscription: one upload, all uploads of one creator, or all uploads. */
export type Topic =
  | { readonly of: 'upload'; readonly uid: string }
  | { readonly of: 'creator'; readonly creator: string }
  | { readonly of: 'all' }

/** Receives the upload after the change, in the order of the changes. */
export type ChangeListener = (upload: Upload) => void

/** One listener's subscription to a topic. */
export interface Subscription {
  /**
   * Resolves once every later published change will be delivered. A read after it therefore includes all
   * changes that were not delivered. Rejects if changes cannot be delivered.
   */
  readonly ready: Promise<void>
  /** Unsubscribes. Idempotent. */
  readonly stop: () => void
}

/** Publishes recorded changes to topics. Nothing is stored: a listener gets only later changes. */
export interface UploadPubSub {
  /** Publishes a change that is already recorded. Never throws and never blocks. */
  publish(upload: Upload): void
  /**
   * Delivers changes from `ready` on at the latest, until the listener stops. `onLost` is called once if
   * delivery ends for any other reason; later changes are then unknown.
   */
  subscribe(topic: Topic, listener: ChangeListener, onLost?: () => void): Subscription
}
