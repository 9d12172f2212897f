/**
 * The one-time tus URL: HEAD and PATCH of the protocol, word for word, with Stream's rules on top.
 * https://tus.io/protocols/resumable-upload
 */
import type { IncomingMessage } from 'node:http'

import { answer, sentence, type Answer } from '../http-response.ts'
import { refuseChunk } from './chunk-size.ts'
import { MAX_CHUNK_BYTES } from '../limits.ts'
import type { EmulatorParts } from '../dependencies.ts'
import { receiveUpload } from '../state/complete-upload.ts'
import { saveChunk, type SavedChunk } from './save-chunk.ts'
import { hasLapsed, type Video } from '../state/video.ts'

export const TUS_VERSION = '1.0.0'
const RESUMABLE = { 'tus-resumable': TUS_VERSION }

/** 412 where the client speaks another version of the protocol, or does not say which. */
export function refuseTusVersion(request: IncomingMessage): Answer | null {
  if (request.headers['tus-resumable'] === TUS_VERSION) return null
  // "it MUST respond with the 412 Precondition Failed status and MUST include the Tus-Version header"
  return sentence(412, `The header Tus-Resumable must be ${TUS_VERSION}.`, {
    ...RESUMABLE,
    'tus-version': TUS_VERSION,
  })
}

/** How much of the file has come; also while a PATCH goes on, which is left alone. */
export async function readTusOffset(
  parts: EmulatorParts,
  request: IncomingMessage,
  uploadId: string,
): Promise<Answer> {
  const found = findOpenUpload(parts, request, uploadId)
  if ('status' in found) return found
  await parts.claims.settled(found.uid)
  const bytes = await parts.files.size(found.uid)
  if (bytes === null) return refuseTus(404, 'There is no such upload URL.')
  return answer(200, {
    ...RESUMABLE,
    // "The Server MUST prevent the client and/or proxies from caching the response"
    'cache-control': 'no-store',
    'upload-offset': String(bytes),
    'upload-length': String(found.uploadLength),
    // "responses to HEAD requests MUST include the Upload-Metadata header and its value"
    ...(found.uploadMetadata === null ? {} : { 'upload-metadata': found.uploadMetadata }),
  })
}

/** Takes one chunk, and the whole file with the last one. */
export async function receiveTusChunk(
  parts: EmulatorParts,
  request: IncomingMessage,
  uploadId: string,
): Promise<Answer> {
  const video = findOpenUpload(parts, request, uploadId)
  if ('status' in video) return video
  if (request.headers['content-type'] !== 'application/offset+octet-stream') {
    return refuseTus(415, 'The Content-Type of a PATCH must be application/offset+octet-stream.')
  }
  const header = request.headers['upload-offset']
  if (typeof header !== 'string' || !/^\d{1,15}$/.test(header)) {
    return refuseTus(400, 'The header Upload-Offset must be a number of bytes.')
  }
  const release = await parts.claims.take(video.uid, request)
  if (release === null) return refuseTus(423, 'Another request is sending to this upload URL.')
  try {
    return await takeChunk(parts, request, video, Number(header))
  } finally {
    release()
  }
}

async function takeChunk(
  parts: EmulatorParts,
  request: IncomingMessage,
  video: Video,
  offset: number,
): Promise<Answer> {
  const { files } = parts
  const uploadLength = video.uploadLength ?? 0
  const present = await files.size(video.uid)
  if (present === null) return refuseTus(404, 'There is no such upload URL.')
  if (present === uploadLength) return refuseTus(410, 'This upload URL has been used.')
  // "If the offsets do not match, the Server MUST respond with the 409 Conflict status"
  if (present !== offset) return refuseTus(409, `The upload is at ${present} bytes.`)

  const length = request.headers['content-length']
  const declaredBytes = length === undefined ? null : Number(length)
  if (declaredBytes !== null) {
    if (offset + declaredBytes > uploadLength) {
      return refuseTus(413, 'The chunk goes beyond the Upload-Length.')
    }
    const refusal = refuseChunk(declaredBytes, offset, uploadLength)
    if (refusal !== null) return refuseTus(400, refusal)
  }
  const saved = await save(parts, request, video, offset)
  const arrived = await files.size(video.uid)
  if (saved === null || arrived === null) return refuseTus(404, 'There is no such upload URL.')
  // What did not say its size is judged now.
  const refusal = declaredBytes === null ? refuseUndeclared(saved, offset, uploadLength) : null
  if (refusal !== null) {
    await files.truncate(video.uid, offset)
    return refusal
  }
  if (arrived === uploadLength && !(await receiveUpload(parts, video, arrived))) {
    return refuseTus(404, 'There is no such upload URL.')
  }
  return answer(204, { ...RESUMABLE, 'upload-offset': String(arrived) })
}

/** Null where the video was deleted before its file could be opened. */
async function save(
  { files }: Pick<EmulatorParts, 'files'>,
  request: IncomingMessage,
  video: Video,
  offset: number,
): Promise<SavedChunk | null> {
  const room = Math.min((video.uploadLength ?? 0) - offset, MAX_CHUNK_BYTES)
  try {
    return await saveChunk(request, files.path(video.uid), offset, room)
  } catch (error) {
    if ((await files.size(video.uid)) === null) return null
    throw error
  }
}

/** A body that broke off is kept whatever its size; one that is too large never is. */
function refuseUndeclared(
  { bytes, ending }: SavedChunk,
  offset: number,
  uploadLength: number,
): Answer | null {
  if (ending === 'broken-off') return null
  if (ending === 'too-large' && offset + bytes === uploadLength) {
    return refuseTus(413, 'The chunk goes beyond the Upload-Length.')
  }
  const refusal = refuseChunk(ending === 'whole' ? bytes : bytes + 1, offset, uploadLength)
  return refusal === null ? null : refuseTus(400, refusal)
}

/** The video that still waits for bytes (or, for HEAD, has them all), or the answer that refuses. */
function findOpenUpload(
  parts: EmulatorParts,
  request: IncomingMessage,
  uploadId: string,
): Video | Answer {
  const wrongVersion = refuseTusVersion(request)
  if (wrongVersion !== null) return wrongVersion
  const video = parts.library.findByUploadId(uploadId)
  if (video === null || video.kind !== 'tus') {
    return refuseTus(404, 'There is no such upload URL.')
  }
  // A finished upload still tells its offset: a client that lost the last answer learns that all
  // its bytes have come.
  if (video.receivedAt !== null && request.method !== 'HEAD') {
    return refuseTus(410, 'This upload URL has been used.')
  }
  if (hasLapsed(video, parts.clock.now())) return refuseTus(410, 'This upload URL has lapsed.')
  return video
}

function refuseTus(status: number, text: string): Answer {
  return sentence(status, text, RESUMABLE)
}
