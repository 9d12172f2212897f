/** The errors that an upload under way ends with, by what became of it. */
import type { Upload } from './gateway/upload.ts'
import { UploadError, uploadError } from './upload-error.ts'

/** Whether this file can go on no more as it was begun: then nothing is remembered of it. */
export function isForGood(error: unknown): boolean {
  if (!(error instanceof UploadError)) return false
  return ['VIDEO_FAILED', 'EXPIRED', 'DELETED', 'UPLOAD_NOT_FOUND', 'STREAM_REJECTED'].includes(
    error.code,
  )
}

export function failedError({ uid, failure }: Upload) {
  const known = failure ?? { code: 'ERR_UNKNOWN', message: 'Stream gave no reason.' }
  return uploadError(`Stream makes no video of the file. ${known.message}`, {
    code: 'VIDEO_FAILED',
    uid,
    failure: known,
  })
}

export function expiredError(uid: string) {
  return uploadError('The upload URL lapsed before the file was up.', { code: 'EXPIRED', uid })
}

export function deletedError(uid: string) {
  return uploadError('The upload was deleted while it was under way.', { code: 'DELETED', uid })
}
