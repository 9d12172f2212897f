/** Upload host in place of upload.videodelivery.net: unauthenticated one-time URLs, any origin. */
import type { IncomingMessage } from 'node:http'

import { textResponse, type HttpResponse, type ResponseOrDisconnect } from '../http-response.ts'
import { receiveBasicUpload } from './basic-upload.ts'
import { MAX_TUS_BYTES } from '../limits.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import { runOperation } from '../run-operation.ts'
import { readTusOffset, receiveTusChunk, TUS_VERSION } from './tus-upload.ts'
import { preflight, withCors } from './cors.ts'

/** Serves `/{32 hex}`: one multipart POST. */
export async function serveBasicUrl(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  uid: string,
): Promise<ResponseOrDisconnect> {
  if (request.method === 'OPTIONS') return withCors(preflight(request, 'POST, OPTIONS'))
  if (request.method !== 'POST') return withCors(wrongMethod('POST, OPTIONS'))
  return withCors(
    await runOperation(dependencies, 'upload', () =>
      receiveBasicUpload(dependencies, request, uid),
    ),
  )
}

/**
 * Serves `/tus/{id}`: HEAD and PATCH. Stream documents no DELETE: an upload is canceled by
 * deleting its video through the API.
 */
export async function serveTusUrl(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  uploadId: string,
): Promise<ResponseOrDisconnect> {
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
        await runOperation(dependencies, 'tus_head', () =>
          readTusOffset(dependencies, request, uploadId),
        ),
      )
    case 'PATCH':
      return withCors(
        await runOperation(dependencies, 'tus_patch', () =>
          receiveTusChunk(dependencies, request, uploadId),
        ),
      )
    default:
      return withCors(wrongMethod(methods))
  }
}

function wrongMethod(allow: string): HttpResponse {
  return textResponse(405, `Method not allowed. Allowed: ${allow}.`, { allow })
}
