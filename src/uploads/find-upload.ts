/** Looks an upload up for a viewer. */
import type { Soon } from './ports/upload-store.ts'
import type { Parts } from './dependencies.ts'
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

/** Those of the uids that the viewer may see, by uid: one query for any number of them. */
export async function findUploads(
  { store }: Pick<Parts, 'store'>,
  viewer: Viewer,
  uids: readonly string[],
): Promise<ReadonlyMap<string, Upload>> {
  const found = await store.findMany(uids)
  return new Map(
    found.flatMap((upload) => (seenBy(viewer, upload) === null ? [] : [[upload.uid, upload]])),
  )
}

/** The same for somebody who may ask again soon: Stream is asked about it at the next rounds. */
export function lookAtUpload(
  parts: Pick<Parts, 'store' | 'watchers' | 'clock'>,
  viewer: Viewer,
  uid: string,
): Soon<Upload | null> {
  const found = parts.store.find(uid)
  return found instanceof Promise
    ? found.then((upload) => lookedAt(parts, viewer, upload))
    : lookedAt(parts, viewer, found)
}

function lookedAt(
  { watchers, clock }: Pick<Parts, 'watchers' | 'clock'>,
  viewer: Viewer,
  found: Upload | null,
): Upload | null {
  const upload = seenBy(viewer, found)
  if (upload !== null && !isTerminal(upload.status)) watchers.glance(upload.uid, clock.now())
  return upload
}

function seenBy(viewer: Viewer, upload: Upload | null): Upload | null {
  return upload !== null && owns(viewer, upload.creator) ? upload : null
}
