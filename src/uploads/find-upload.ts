/** Looks an upload up for a viewer. */
import type { Parts } from './parts.ts'
import { type Upload, isTerminal } from './upload.ts'
import { type Viewer, owns } from './viewer.ts'

/** Null where there is none, or it is somebody else's: the two look the same. */
export async function findUpload(
  { store }: Pick<Parts, 'store'>,
  viewer: Viewer,
  uid: string,
): Promise<Upload | null> {
  return seenBy(viewer, await store.find(uid))
}

/** The same for somebody who may ask again soon: Stream is asked about it at the next rounds. */
export async function lookAtUpload(
  parts: Pick<Parts, 'store' | 'watchers' | 'clock'>,
  viewer: Viewer,
  uid: string,
): Promise<Upload | null> {
  const upload = seenBy(viewer, await parts.store.find(uid))
  if (upload !== null && !isTerminal(upload.status)) {
    parts.watchers.glance(upload.uid, parts.clock.now())
  }
  return upload
}

function seenBy(viewer: Viewer, upload: Upload | null): Upload | null {
  return upload !== null && owns(viewer, upload.creator) ? upload : null
}
