/** The port by which a recorded change reaches whoever watches, in this process or another. */
import type { Upload } from '../upload.ts'

/** What one may listen to: one upload, all of one creator's, or all there are. */
export type Topic =
  | { readonly of: 'upload'; readonly uid: string }
  | { readonly of: 'creator'; readonly creator: string }
  | { readonly of: 'all' }

/** Called with the upload as it stands after the change, in the order of the changes. */
export type ChangeListener = (upload: Upload) => void

/** One listener's place at a topic. */
export interface Subscription {
  /**
   * Resolves once every change that is published from then on will be heard: what is read after it is
   * older than whatever was missed. Rejects where nothing can be heard.
   */
  readonly ready: Promise<void>
  /** No more is heard. A second call does nothing. */
  readonly stop: () => void
}

/** Topics for recorded changes. Nothing is kept: a listener hears what happens from now on. */
export interface UploadEvents {
  /** Says that this upload was changed and recorded. Never fails and never blocks. */
  publish(upload: Upload): void
  /**
   * Listens from `ready` on at the latest, until it is stopped. `lost` is called once where changes can
   * no longer be heard, by no wish of the listener: what happens from then on is not known.
   */
  subscribe(topic: Topic, listener: ChangeListener, lost?: () => void): Subscription
}
