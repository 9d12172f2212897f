/** The face of upload.videodelivery.net: one-time URLs, without authentication, for any origin. */
import type { IncomingMessage } from 'node:http'

import { sentence, type Answer, type AnswerOrCut } from '../http-response.ts'
import { receiveBasicUpload } from './basic-upload.ts'
import { MAX_TUS_BYTES } from '../limits.ts'
import type { EmulatorParts } from '../dependencies.ts'
import { perform } from '../run-operation.ts'
import { readTusOffset, receiveTusChunk, TUS_VERSION } from './tus-upload.ts'
import { preflight, withCors } from './cors.ts'

/** `/{32 hex}`: one multipart POST. */
export async function serveBasicUrl(
  parts: EmulatorParts,
  request: IncomingMessage,
  uid: string,
): Promise<AnswerOrCut> {
  if (request.method === 'OPTIONS') return withCors(preflight(request, 'POST, OPTIONS'))
  if (request.method !== 'POST') return withCors(wrongMethod('POST, OPTIONS'))
  return withCors(await perform(parts, 'upload', () => receiveBasicUpload(parts, request, uid)))
}

/**
 * `/tus/{id}`: HEAD and PATCH. DELETE is not documented by Stream: an upload is cancelled by
 * deleting its video through the API.
 */
export async function serveTusUrl(
  parts: EmulatorParts,
  request: IncomingMessage,
  uploadId: string,
): Promise<AnswerOrCut> {
  const methods = 'HEAD, PATCH, OPTIONS'
  const method = request.method ?? ''
  switch (method) {
    case 'OPTIONS':
      return withCors(
        preflight(request, methods, {
          'tus-resumable': TUS_VERSION,
          'tus-version': TUS_VERSION,
          'tus-max-size': String(MAX_TUS_BYTES),
        }),
      )
    case 'HEAD':
      return withCors(
        await perform(parts, 'tus_head', () => readTusOffset(parts, request, uploadId)),
      )
    case 'PATCH':
      return withCors(
        await perform(parts, 'tus_patch', () => receiveTusChunk(parts, request, uploadId)),
      )
    default:
      return withCors(wrongMethod(methods))
  }
}

function wrongMethod(allow: string): Answer {
  return sentence(405, `This URL takes ${allow}.`, { allow })
}
