/** Looks an upload up for a viewer. */
import type { Parts } from './parts.ts'
import type { Upload } from './upload.ts'
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
