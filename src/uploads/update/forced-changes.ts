/** Keeps a change from undoing the settings that the caller's token contains. */
import type { CallerLimits } from '../caller-limits.ts'
import { forcesName, mergeMeta } from '../create/forced-settings.ts'
import type { Upload } from '../upload.ts'
import type { UpdateRequest } from './update-request.ts'

/**
 * Returns the request with the settings of the token in place of those that it changes. Settings that the request
 * leaves as they are stay so.
 */
export function withForcedChanges(
  request: UpdateRequest,
  upload: Upload,
  limits: CallerLimits | null,
): UpdateRequest {
  if (limits === null) return request
  const { forced } = limits
  const { requireSignedURLs, allowedOrigins, name } = request
  const changesName = name !== undefined && forcesName(forced)
  const meta = changesName ? (request.meta ?? upload.meta) : request.meta
  return {
    ...request,
    requireSignedURLs:
      requireSignedURLs === null ? null : (forced.requireSignedURLs ?? requireSignedURLs),
    allowedOrigins: allowedOrigins === null ? null : (forced.allowedOrigins ?? allowedOrigins),
    name: changesName ? undefined : name,
    meta: meta === null ? null : mergeMeta(meta, forced),
  }
}
