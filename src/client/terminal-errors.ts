/** Errors that end an active upload. */
import type { Upload } from './gateway/upload.ts'
import { UploadError, uploadError } from './upload-error.ts'

/** Whether the upload cannot be resumed after this error. Its entry in the resume store is deleted then. */
export function isPermanent(error: unknown): boolean {
  if (!(error instanceof UploadError)) return false
  return ['VIDEO_FAILED', 'EXPIRED', 'DELETED', 'UPLOAD_NOT_FOUND', 'STREAM_REJECTED'].includes(
    error.code,
  )
}

export function failedError({ uid, failure }: Upload) {
  const details = failure ?? { code: 'ERR_UNKNOWN', message: 'Stream gave no reason.' }
  return uploadError(`Stream could not process the file. ${details.message}`, {
    code: 'VIDEO_FAILED',
    uid,
    failure: details,
  })
}

export function expiredError(uid: string) {
  return uploadError('The upload URL expired before the file was received.', {
    code: 'EXPIRED',
    uid,
  })
}

export function deletedError(uid: string) {
  return uploadError('The upload was deleted during the transfer.', { code: 'DELETED', uid })
}
