/** Looks up, at the gateway, what has become of an upload that was begun before. */
import { type GatewayDoor, askFor } from './request.ts'
import type { Destination } from './mint-upload.ts'
import { FIND, FIND_WITH_URL, found, foundWithURL } from './operations.ts'
import type { RememberedUpload } from '../resume/resume-store.ts'
import { type Patience, tryAgain } from '../retry.ts'
import { type Upload, isAwaited } from './upload.ts'

/** Where an upload that was begun stands. */
export type Found =
  /** Stream waits for (the rest of) its bytes. */
  | { readonly kind: 'awaited'; readonly upload: Upload; readonly destination: Destination }
  /** Stream has the file, and may be done with it. */
  | { readonly kind: 'received'; readonly upload: Upload }
  | { readonly kind: 'deleted' }
  /** Its URL takes nothing any more, or the gateway does not know it. */
  | { readonly kind: 'lapsed' }

/** Null where there is none, or it is not the caller's. */
export function findUpload(
  parts: GatewayDoor & Patience,
  uid: string,
  signal: AbortSignal | undefined,
): Promise<Upload | null> {
  const question = { query: FIND, variables: { uid } }
  return tryAgain(parts, signal, () => askFor(parts, question, found, signal))
}

/** The gateway's word counts, not this device's clock: it alone knows whether the URL lapsed. */
export async function findAgain(
  parts: GatewayDoor & Patience,
  remembered: Pick<RememberedUpload, 'uid' | 'formField' | 'chunkSizeBytes'>,
  signal: AbortSignal,
): Promise<Found> {
  const { uid, formField, chunkSizeBytes } = remembered
  const question = { query: FIND_WITH_URL, variables: { uid } }
  const answer = await tryAgain(parts, signal, () => askFor(parts, question, foundWithURL, signal))
  if (answer === null || answer.status === 'EXPIRED') return { kind: 'lapsed' }
  // From here on, the URL goes where it is used, and nowhere else.
  const { uploadURL, ...upload } = answer
  if (upload.status === 'DELETED') return { kind: 'deleted' }
  if (!isAwaited(upload)) return { kind: 'received', upload }
  if (uploadURL === null) return { kind: 'lapsed' }
  const { protocol } = upload
  return {
    kind: 'awaited',
    upload,
    destination: {
      uid,
      uploadURL,
      protocol,
      formField,
      chunkSizeBytes: chunkSizeBytes ?? Number.POSITIVE_INFINITY,
    },
  }
}
