/** Handlers of the two calls that mint an upload URL: direct_upload and tus creation. */
import type { IncomingMessage } from 'node:http'

import { httpResponse, type HttpResponse } from '../http-response.ts'
import { successResponse } from '../api-error.ts'
import { mintUpload, uploadUrl } from '../state/mint-upload.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import { readJsonBody } from '../read-json-body.ts'
import { parseDirectUpload } from './parse-direct-upload.ts'
import { parseTusCreation } from './parse-tus-creation.ts'
import { watermarkJson } from '../state/watermark.ts'
import { formatMilliseconds } from '../timestamp.ts'
import { tusVersionError } from '../upload-host/tus-upload.ts'

/** POST /accounts/{account}/stream/direct_upload */
export async function createDirectUpload(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
): Promise<HttpResponse> {
  const creator = request.headers['upload-creator']
  const body = await readJsonBody(request)
  const now = dependencies.clock.now()
  const params = parseDirectUpload(body, typeof creator === 'string' ? creator : undefined, now)
  const video = mintUpload(dependencies, 'basic', params, null, now)
  return successResponse({
    uploadURL: uploadUrl(dependencies.settings.publicUrl, video),
    uid: video.uid,
    watermark: video.watermark === null ? null : watermarkJson(video.watermark),
    ...(video.creator === null ? {} : { creator: video.creator }),
    ...(video.scheduledDeletion === null
      ? {}
      : { scheduledDeletion: formatMilliseconds(video.scheduledDeletion) }),
  })
}

/**
 * POST /accounts/{account}/stream?direct_user=true
 *
 * Without the query parameter, Stream also responds 201, but with a Location that requires
 * authentication and is useless to a browser. Emulated, because users have reported this error three times.
 */
export async function createTusUpload(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
  parameters: URLSearchParams,
): Promise<HttpResponse> {
  const versionError = tusVersionError(request)
  if (versionError !== null) return versionError
  const now = dependencies.clock.now()
  const params = parseTusCreation(request.headers, now)
  const video = mintUpload(dependencies, 'tus', params, params, now)
  await dependencies.files.create(video.uid).catch((error: unknown) => {
    dependencies.library.remove(video.uid)
    throw error
  })
  const { accountId, publicUrl } = dependencies.settings
  const location =
    parameters.get('direct_user') === 'true'
      ? uploadUrl(publicUrl, video)
      : `${publicUrl}/client/v4/accounts/${accountId}/media/${video.uid}?tusv2=true`
  return httpResponse(201, { location, 'stream-media-id': video.uid })
}
