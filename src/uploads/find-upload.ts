/** Use cases: find one or many uploads that a viewer may see. */
import type { MaybePromise } from './ports/upload-store.ts'
import type { Dependencies } from './dependencies.ts'
import { type Upload, isTerminal } from './upload.ts'
import { type Viewer, hasAccessTo } from './viewer.ts'

/** Null if the upload does not exist or belongs to another creator; callers cannot tell which. */
export async function findUpload(
  { store }: Pick<Dependencies, 'store'>,
  viewer: Viewer,
  uid: string,
): Promise<Upload | null> {
  return visibleTo(viewer, await store.find(uid))
}

/** Returns the visible uploads by uid, with one query. */
export async function findUploads(
  { store }: Pick<Dependencies, 'store'>,
  viewer: Viewer,
  uids: readonly string[],
): Promise<ReadonlyMap<string, Upload>> {
  const found = await store.findMany(uids)
  return new Map(
    found.flatMap((upload) => (visibleTo(viewer, upload) === null ? [] : [[upload.uid, upload]])),
  )
}

/** Like `findUpload`, and records a view: the next sync runs poll the upload sooner. */
export function viewUpload(
  dependencies: Pick<Dependencies, 'store' | 'watchRegistry' | 'clock'>,
  viewer: Viewer,
  uid: string,
): MaybePromise<Upload | null> {
  const found = dependencies.store.find(uid)
  return found instanceof Promise
    ? found.then((upload) => recordView(dependencies, viewer, upload))
    : recordView(dependencies, viewer, found)
}

function recordView(
  { watchRegistry, clock }: Pick<Dependencies, 'watchRegistry' | 'clock'>,
  viewer: Viewer,
  found: Upload | null,
): Upload | null {
  const upload = visibleTo(viewer, found)
  if (upload !== null && !isTerminal(upload.status))
    watchRegistry.recordView(upload.uid, clock.now())
  return upload
}

function visibleTo(viewer: Viewer, upload: Upload | null): Upload | null {
  return upload !== null && hasAccessTo(viewer, upload.creator) ? upload : null
}
