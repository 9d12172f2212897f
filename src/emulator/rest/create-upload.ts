/** The two calls that mint an upload URL: direct_upload, and tus creation. */
import type { IncomingMessage } from 'node:http'

import { answer, type Answer } from '../http-response.ts'
import { succeed } from '../api-error.ts'
import { mintUpload, uploadUrl } from '../state/mint-upload.ts'
import type { EmulatorParts } from '../dependencies.ts'
import { readJson } from '../read-json-body.ts'
import { readDirectUpload } from './parse-direct-upload.ts'
import { readTusCreation } from './parse-tus-creation.ts'
import { formatMilliseconds } from '../timestamp.ts'
import { refuseTusVersion, TUS_VERSION } from '../upload-host/tus-upload.ts'

/** POST /accounts/{account}/stream/direct_upload */
export async function createDirectUpload(
  parts: EmulatorParts,
  request: IncomingMessage,
): Promise<Answer> {
  const creator = request.headers['upload-creator']
  const body = await readJson(request)
  const now = parts.clock.now()
  const order = readDirectUpload(body, typeof creator === 'string' ? creator : undefined, now)
  const video = mintUpload(parts, 'basic', order, null, now)
  return succeed({
    uploadURL: uploadUrl(parts.settings.publicUrl, video),
    uid: video.uid,
    ...(video.creator === null ? {} : { creator: video.creator }),
    ...(video.scheduledDeletion === null
      ? {}
      : { scheduledDeletion: formatMilliseconds(video.scheduledDeletion) }),
  })
}

/**
 * POST /accounts/{account}/stream?direct_user=true
 *
 * Without the query parameter Stream answers 201 all the same, with a Location that needs
 * authentication and is of no use to a browser. Three people ran into it; so may our users.
 */
export async function createTusUpload(
  parts: EmulatorParts,
  request: IncomingMessage,
  parameters: URLSearchParams,
): Promise<Answer> {
  const wrongVersion = refuseTusVersion(request)
  if (wrongVersion !== null) return wrongVersion
  const now = parts.clock.now()
  const order = readTusCreation(request.headers, now)
  const video = mintUpload(parts, 'tus', order, order, now)
  await parts.files.create(video.uid)
  const { accountId, publicUrl } = parts.settings
  const location =
    parameters.get('direct_user') === 'true'
      ? uploadUrl(publicUrl, video)
      : `${publicUrl}/client/v4/accounts/${accountId}/media/${video.uid}?tusv2=true`
  return answer(201, {
    location,
    'stream-media-id': video.uid,
    'tus-resumable': TUS_VERSION,
  })
}
