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
  const upload = await store.find(uid)
  return upload !== null && owns(viewer, upload.creator) ? upload : null
}

/** The same for somebody who may ask again soon: Stream is asked about it at the next rounds. */
export async function lookAtUpload(
  parts: Pick<Parts, 'store' | 'watchers' | 'clock'>,
  viewer: Viewer,
  uid: string,
): Promise<Upload | null> {
  const upload = await findUpload(parts, viewer, uid)
  if (upload !== null && !isTerminal(upload.status)) {
    parts.watchers.glance(upload.uid, parts.clock.now())
  }
  return upload
}
