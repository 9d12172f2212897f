/** Which changes of an upload are sent to the application, and as which type. */
import type { Upload, UploadStatus } from '../upload.ts'

/** All types of callbacks. */
export const callbackTypes = [
  'upload.created',
  'upload.received',
  'upload.ready',
  'upload.failed',
  'upload.expired',
  'upload.deleted',
  'upload.updated',
] as const
export type CallbackType = (typeof callbackTypes)[number]

/** Type of the change to a status; null if the status is progress only. */
const typeOfStatus = {
  PENDING_UPLOAD: null,
  UPLOADING: null,
  QUEUED: 'upload.received',
  IN_PROGRESS: 'upload.received',
  READY: 'upload.ready',
  ERROR: 'upload.failed',
  EXPIRED: 'upload.expired',
  DELETED: 'upload.deleted',
} as const satisfies Readonly<Record<UploadStatus, CallbackType | null>>

/**
 * Returns the type of the change from one version to the next; null if it is progress only. An upload that leaves
 * DELETED, because Stream knows its video again, has the type of the status that it returns to.
 * @param previous null for a new upload
 */
export function callbackTypeOf(previous: Upload | null, next: Upload): CallbackType | null {
  if (previous === null) return 'upload.created'
  const type = typeOfStatus[next.status]
  // QUEUED and IN_PROGRESS are one event, whichever is seen first.
  if (type !== null && type !== typeOfStatus[previous.status]) return type
  const isBack = previous.status === 'DELETED' && next.status !== 'DELETED'
  return isBack || hasNewSettings(previous, next) ? 'upload.updated' : null
}

/** Whether the settings changed, here or at Stream. A change through the gateway also counts if no field shows it. */
function hasNewSettings(previous: Upload, next: Upload): boolean {
  return (
    previous.name !== next.name ||
    previous.meta !== next.meta ||
    previous.constraints !== next.constraints ||
    previous.expiresAt.getTime() !== next.expiresAt.getTime() ||
    previous.settingsAt?.getTime() !== next.settingsAt?.getTime()
  )
}
