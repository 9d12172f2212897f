/**
 * Handlers of a tus upload URL: HEAD and PATCH of the protocol, plus Stream's rules.
 * https://tus.io/protocols/resumable-upload
 */
import type { IncomingMessage } from 'node:http'

import { httpResponse, textResponse, type HttpResponse } from '../http-response.ts'
import { chunkSizeError } from './chunk-size.ts'
import { MAX_CHUNK_BYTES } from '../limits.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import { completeUpload } from '../state/complete-upload.ts'
import { saveChunk, type SavedChunk } from './save-chunk.ts'
import { hasExpired, type Video } from '../state/video.ts'
import { TUS_VERSION, effectiveMethod } from '../tus-request.ts'
import type { VideoFiles } from '../state/video-files.ts'

const CHUNK_TYPE = 'application/offset+octet-stream'

/** Returns a 412 response for a missing or unsupported protocol version; else null. */
export function tusVersionError(request: IncomingMessage): HttpResponse | null {
  if (request.headers['tus-resumable'] === TUS_VERSION) return null
  // "it MUST respond with the 412 Precondition Failed status and MUST include the Tus-Version header"
  return textResponse(412, `The header Tus-Resumable must be ${TUS_VERSION}.`, {
    'tus-version': TUS_VERSION,
  })
}

/** Responds with the received bytes. A running PATCH of a connected client is not interrupted. */
export async function readTusOffset(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  uploadId: string,
): Promise<HttpResponse> {
  const found = findOpenUpload(dependencies, request, uploadId)
  if ('status' in found) return found
  await dependencies.uploadLocks.waitForDisconnected(found.uid)
  const bytes = found.sizeBytes ?? (await dependencies.files.size(found.uid))
  if (bytes === null) return textResponse(404, 'Upload URL not found.')
  return httpResponse(200, {
    // "The Server MUST prevent the client and/or proxies from caching the response"
    'cache-control': 'no-store',
    'upload-offset': String(bytes),
    'upload-length': String(found.uploadLength),
    // "responses to HEAD requests MUST include the Upload-Metadata header and its value"
    ...(found.uploadMetadata === null ? {} : { 'upload-metadata': found.uploadMetadata }),
  })
}

/** Receives one chunk; the last one completes the upload. */
export async function receiveTusChunk(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  uploadId: string,
): Promise<HttpResponse> {
  const video = findOpenUpload(dependencies, request, uploadId)
  if ('status' in video) return video
  if (mediaTypeOf(request) !== CHUNK_TYPE) {
    return textResponse(415, `The Content-Type of a PATCH must be ${CHUNK_TYPE}.`)
  }
  const header = request.headers['upload-offset']
  if (typeof header !== 'string' || !/^\d{1,15}$/.test(header)) {
    return textResponse(400, 'The header Upload-Offset must be a number of bytes.')
  }
  const release = await dependencies.uploadLocks.acquire(video.uid, request)
  if (release === null) return textResponse(423, 'Another request is writing to this upload URL.')
  try {
    return await storeChunk(dependencies, request, video, Number(header))
  } finally {
    await freeUnneeded(dependencies, video.uid).finally(release)
  }
}

/** Frees what was written for a video that was deleted, or whose upload URL has expired, in the meantime. */
async function freeUnneeded(
  { expiredUploads, files, library }: EmulatorDependencies,
  uid: string,
): Promise<void> {
  if (library.find(uid) === null) await files.remove(uid)
  else await expiredUploads.freeIfExpired(uid)
}

/** Returns the media type in lower case, without parameters. https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1 */
function mediaTypeOf({ headers }: IncomingMessage): string | undefined {
  return headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
}

async function storeChunk(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  video: Video,
  offset: number,
): Promise<HttpResponse> {
  const { files } = dependencies
  const uploadLength = video.uploadLength ?? 0
  const present = await files.size(video.uid)
  if (present === null) return textResponse(404, 'Upload URL not found.')
  if (present === uploadLength) return textResponse(410, 'This upload URL has been used.')
  // "If the offsets do not match, the Server MUST respond with the 409 Conflict status"
  if (present !== offset) return textResponse(409, `The upload is at ${present} bytes.`)

  const length = request.headers['content-length']
  const declaredBytes = length === undefined ? null : Number(length)
  if (declaredBytes !== null) {
    if (offset + declaredBytes > uploadLength) {
      return textResponse(413, 'The chunk exceeds the Upload-Length.')
    }
    const problem = chunkSizeError(declaredBytes, offset, uploadLength)
    if (problem !== null) return textResponse(400, problem)
  }
  try {
    return await appendChunk(dependencies, request, video, {
      offset,
      isDeclared: declaredBytes !== null,
    })
  } catch (error) {
    // The client sends the chunk again: its bytes must neither occupy a full disk nor count as received.
    if (dependencies.library.find(video.uid)?.receivedAt === null) {
      await files.truncate(video.uid, offset)
    }
    throw error
  }
}

/** Appends the body to the file, and completes the upload with the last one. */
async function appendChunk(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  video: Video,
  { offset, isDeclared }: { readonly offset: number; readonly isDeclared: boolean },
): Promise<HttpResponse> {
  const { connections, files, turns } = dependencies
  const nextTurn = () => turns.next(connections.clientOf(request.socket))
  const uploadLength = video.uploadLength ?? 0
  const maxBytes = Math.min(uploadLength - offset, MAX_CHUNK_BYTES)
  const saved = await unlessDeleted(files, video.uid, () =>
    saveChunk(request, files, video.uid, offset, maxBytes, nextTurn),
  )
  const received = await files.size(video.uid)
  if (saved === null || received === null) return textResponse(404, 'Upload URL not found.')
  // A chunk without Content-Length is checked now that its size is known.
  const errorResponse = isDeclared ? null : undeclaredLengthError(saved, offset, uploadLength)
  if (errorResponse !== null) {
    const truncated = await unlessDeleted(files, video.uid, () => files.truncate(video.uid, offset))
    return truncated === null ? textResponse(404, 'Upload URL not found.') : errorResponse
  }
  if (received === uploadLength && !(await completeUpload(dependencies, video, received))) {
    return textResponse(404, 'Upload URL not found.')
  }
  return httpResponse(204, { 'upload-offset': String(received) })
}

/** Resolves to null when the video was deleted before `work` opened its file. */
async function unlessDeleted<T>(
  files: VideoFiles,
  uid: string,
  work: () => Promise<T>,
): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if ((await files.size(uid)) === null) return null
    throw error
  }
}

/** Checks a chunk without Content-Length. An incomplete chunk is kept at any size. */
function undeclaredLengthError(
  { bytes, outcome }: SavedChunk,
  offset: number,
  uploadLength: number,
): HttpResponse | null {
  if (outcome === 'broken-off') return null
  if (outcome === 'too-large' && offset + bytes === uploadLength) {
    return textResponse(413, 'The chunk exceeds the Upload-Length.')
  }
  const problem = chunkSizeError(outcome === 'whole' ? bytes : bytes + 1, offset, uploadLength)
  return problem === null ? null : textResponse(400, problem)
}

/** Returns the video of an unfinished upload (HEAD: also a complete one), or an error response. */
function findOpenUpload(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  uploadId: string,
): Video | HttpResponse {
  const versionError = tusVersionError(request)
  if (versionError !== null) return versionError
  const video = dependencies.library.findByUploadId(uploadId)
  if (video === null || video.kind !== 'tus') {
    return textResponse(404, 'Upload URL not found.')
  }
  // HEAD still returns the offset of a complete upload: a client that lost the last response learns
  // that all its bytes were received.
  if (video.receivedAt !== null && effectiveMethod(request) !== 'HEAD') {
    return textResponse(410, 'This upload URL has been used.')
  }
  if (hasExpired(video, dependencies.clock.now()))
    return textResponse(410, 'This upload URL has expired.')
  return video
}
