/** Converts a request to change an upload to Stream's params. */
import type { VideoChange } from '../ports/stream-api.ts'
import { toStreamMeta } from '../create/stream-params.ts'
import type { Upload } from '../upload.ts'
import type { UpdateRequest } from './update-request.ts'

/** Returns null if the request changes nothing. */
export function toVideoChange(
  request: UpdateRequest,
  upload: Upload,
  deployment: string,
): VideoChange | null {
  const { maxDurationSeconds, expiry, allowedOrigins, requireSignedURLs } = request
  const { scheduledDeletion, thumbnailTimestampPct, name, meta } = request
  const change: VideoChange = {
    ...(maxDurationSeconds === null ? {} : { maxDurationSeconds }),
    ...(expiry === null ? {} : { expiresAt: expiry }),
    ...(allowedOrigins === null ? {} : { allowedOrigins }),
    ...(requireSignedURLs === null ? {} : { requireSignedURLs }),
    ...(scheduledDeletion === undefined ? {} : { scheduledDeletion }),
    ...(thumbnailTimestampPct === null ? {} : { thumbnailTimestampPct }),
    // Stream replaces the whole object, which also has the name and the gateway's reference.
    ...(name === undefined && meta === null
      ? {}
      : { meta: toStreamMeta({ id: upload.id, ...nameAndMeta(request, upload) }, deployment) }),
  }
  return Object.keys(change).length === 0 ? null : change
}

function nameAndMeta({ name, meta }: UpdateRequest, upload: Upload): Pick<Upload, 'name' | 'meta'> {
  if (name !== undefined) {
    const { name: _name, ...others } = meta ?? upload.meta
    return { name, meta: others }
  }
  const metaName = meta?.['name']
  return { name: typeof metaName === 'string' ? metaName : upload.name, meta: meta ?? upload.meta }
}
