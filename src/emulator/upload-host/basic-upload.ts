/**
 * The one-time URL of a direct_upload: a multipart POST of the field `file`, at most 200 MB.
 * https://developers.cloudflare.com/stream/uploading-videos/direct-creator-uploads/#basic-post-request
 */
import type { IncomingMessage } from 'node:http'

import { answer, sentence, type Answer } from '../http-response.ts'
import { MAX_BASIC_BYTES } from '../limits.ts'
import { saveMultipartFile } from './multipart-file.ts'
import type { EmulatorParts } from '../dependencies.ts'
import { receiveUpload } from '../state/complete-upload.ts'
import { hasLapsed, type Video } from '../state/video.ts'

/** A form's other fields and its boundaries may add this much before we refuse unread, in bytes. */
const FORM_OVERHEAD_BYTES = 1_048_576

/**
 * A refused or broken upload does not use the URL up: Stream says nothing about it, and a person who
 * picked too large a file may pick another one.
 */
export async function receiveBasicUpload(
  parts: EmulatorParts,
  request: IncomingMessage,
  uid: string,
): Promise<Answer> {
  const found = findOpenUrl(parts, uid)
  if ('status' in found) return found
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > MAX_BASIC_BYTES + FORM_OVERHEAD_BYTES) return tooLargeAnswer()

  const release = await parts.claims.take(uid, request)
  if (release === null) return sentence(409, 'This upload URL is in use.')
  try {
    // Looked up again: the last sender may have finished while this one waited for its turn.
    const video = findOpenUrl(parts, uid)
    if ('status' in video) return video
    const outcome = await saveMultipartFile(request, parts.files.partialPath(uid), MAX_BASIC_BYTES)
    if (outcome.kind === 'too-large') return tooLargeAnswer()
    if (outcome.kind === 'missing') return sentence(400, 'The form has no field "file".')
    if (outcome.kind === 'broken') {
      return sentence(400, 'Send the file as multipart/form-data in the field "file".')
    }
    await parts.files.keepPartial(uid)
    if (await receiveUpload(parts, video, outcome.bytes)) return answer(200)
    // Deleted while its bytes came in.
    await parts.files.remove(uid)
    return sentence(404, 'There is no such upload URL.')
  } finally {
    await parts.files.removePartial(uid)
    release()
  }
}

/** The video that still waits for its file, or the answer that refuses. */
function findOpenUrl(parts: Pick<EmulatorParts, 'clock' | 'library'>, uid: string): Video | Answer {
  const video = parts.library.findByUploadId(uid)
  if (video === null || video.kind !== 'basic') {
    return sentence(404, 'There is no such upload URL.')
  }
  if (video.receivedAt !== null) return sentence(409, 'This upload URL has been used.')
  if (hasLapsed(video, parts.clock.now())) return sentence(410, 'This upload URL has lapsed.')
  return video
}

function tooLargeAnswer(): Answer {
  return sentence(
    413,
    `The file is larger than ${MAX_BASIC_BYTES} bytes; such files need the tus protocol.`,
  )
}
