/** The port by which a recorded change reaches whoever watches, in this process or another. */
import type { Upload } from '../uploads/upload.ts'

/** What one may listen to: one upload, all of one creator's, or all there are. */
export type Topic =
  | { readonly of: 'upload'; readonly uid: string }
  | { readonly of: 'creator'; readonly creator: string }
  | { readonly of: 'all' }

/** Called with the upload as it stands after the change, in the order of the changes. */
export type ChangeListener = (upload: Upload) => void

/** Topics for recorded changes. Nothing is kept: a listener hears what happens from now on. */
export interface UploadEvents {
  /** Says that this upload was changed and recorded. Never fails and never blocks. */
  publish(upload: Upload): void
  /** Listens from now on; call what comes back to stop. */
  subscribe(topic: Topic, listener: ChangeListener): () => void
}
