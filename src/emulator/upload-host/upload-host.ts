/** Upload host in place of upload.videodelivery.net: unauthenticated one-time URLs, any origin. */
import type { IncomingMessage } from 'node:http'

import { textResponse, type HttpResponse, type ResponseOrDisconnect } from '../http-response.ts'
import { receiveBasicUpload } from './basic-upload.ts'
import { MAX_TUS_BYTES } from '../limits.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import { runOperation } from '../run-operation.ts'
import { METHOD_OVERRIDE_RULE, TUS_VERSION, effectiveMethod } from '../tus-request.ts'
import { readTusOffset, receiveTusChunk } from './tus-upload.ts'
import { preflight, withCors } from './cors.ts'

/** Serves `/{32 hex}`: one multipart POST. */
export async function serveBasicUrl(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  uid: string,
): Promise<ResponseOrDisconnect> {
  const method = effectiveMethod(request)
  if (method === null) return withCors(unknownMethod())
  if (method === 'OPTIONS') return withCors(preflight(request, 'POST, OPTIONS'))
  if (method !== 'POST') return withCors(wrongMethod('POST, OPTIONS'))
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
  switch (effectiveMethod(request)) {
    case null:
      return withCors(unknownMethod())
    case 'OPTIONS':
      return withCors(
        // POST carries an override.
        preflight(request, 'HEAD, PATCH, POST, OPTIONS', {
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
      return withCors(wrongMethod('HEAD, PATCH, OPTIONS'))
  }
}

function wrongMethod(allow: string): HttpResponse {
  return textResponse(405, `This is an upload URL. Allowed methods: ${allow}.`, { allow })
}

function unknownMethod(): HttpResponse {
  return textResponse(400, METHOD_OVERRIDE_RULE)
}
