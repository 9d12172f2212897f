/**
 * Handler of a basic upload URL: one multipart POST with the field `file`, at most 200 MB.
 * https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/#basic-post-request
 */
import type { IncomingMessage } from 'node:http'

import { httpResponse, textResponse, type HttpResponse } from '../http-response.ts'
import { MAX_BASIC_BYTES, MAX_FORM_BYTES } from '../limits.ts'
import { saveMultipartFile } from './multipart-file.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import { completeUpload } from '../state/complete-upload.ts'
import { hasExpired, type Video } from '../state/video.ts'

/**
 * Receives the file. A rejected or broken upload does not use up the URL: Stream documents nothing
 * about it, and a user who chose too large a file can choose another.
 */
export async function receiveBasicUpload(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  uid: string,
): Promise<HttpResponse> {
  const found = findOpenUrl(dependencies, uid)
  if ('status' in found) return found
  const contentLength = Number(request.headers['content-length'] ?? 0)
  if (contentLength > MAX_FORM_BYTES) return tooLargeResponse()

  const release = await dependencies.uploadLocks.acquire(uid, request)
  if (release === null) return textResponse(409, 'This upload URL is in use.')
  try {
    // Read again: a disconnected request may have completed while this one waited for the lock.
    const video = findOpenUrl(dependencies, uid)
    if ('status' in video) return video
    const { connections, files, turns } = dependencies
    const nextTurn = () => turns.next(connections.clientOf(request.socket))
    const outcome = await saveMultipartFile(request, files, uid, nextTurn)
    if (outcome.kind === 'too-large') return tooLargeResponse()
    if (outcome.kind === 'missing') return textResponse(400, 'The form has no field "file".')
    if (outcome.kind === 'broken') {
      return textResponse(400, 'Send the file as multipart/form-data in the field "file".')
    }
    await files.keepPartial(uid)
    const isComplete = await completeUpload(dependencies, video, outcome.bytes)
    // If not, the video was deleted while the file was received.
    return isComplete ? httpResponse(200) : textResponse(404, 'Upload URL not found.')
  } finally {
    await removeUnneeded(dependencies, uid).finally(release)
  }
}

/** Removes what was written, unless the upload is complete. */
async function removeUnneeded(
  { files, library }: Pick<EmulatorDependencies, 'files' | 'library'>,
  uid: string,
): Promise<void> {
  await files.removePartial(uid)
  const receivedAt = library.find(uid)?.receivedAt ?? null
  if (receivedAt === null) await files.remove(uid)
}

/** Returns the video of an unused upload URL, or the error response. */
function findOpenUrl(
  dependencies: Pick<EmulatorDependencies, 'clock' | 'library'>,
  uid: string,
): Video | HttpResponse {
  const video = dependencies.library.findByUploadId(uid)
  if (video === null || video.kind !== 'basic') {
    return textResponse(404, 'Upload URL not found.')
  }
  if (video.receivedAt !== null) return textResponse(409, 'This upload URL has been used.')
  if (hasExpired(video, dependencies.clock.now()))
    return textResponse(410, 'This upload URL has expired.')
  return video
}

function tooLargeResponse(): HttpResponse {
  return textResponse(
    413,
    `The file is larger than ${MAX_BASIC_BYTES} bytes; such files need the tus protocol.`,
  )
}
