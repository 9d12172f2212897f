/** Puts the settings that a caller's token contains on a request. */
import type { JsonObject } from '../../shared/json.ts'
import type { CallerLimits, ForcedSettings } from '../caller-limits.ts'
import type { UploadRequest } from './upload-request.ts'

/** Returns the request with the settings of the token in place of its own. The watermark is not in a request. */
export function withForcedSettings(
  request: UploadRequest,
  limits: CallerLimits | null,
): UploadRequest {
  if (limits === null) return request
  const { forced } = limits
  return {
    ...request,
    requireSignedURLs: forced.requireSignedURLs ?? request.requireSignedURLs,
    allowedOrigins: forced.allowedOrigins ?? request.allowedOrigins,
    name: forcesName(forced) ? null : request.name,
    meta: mergeMeta(request.meta, forced),
  }
}

/** Whether the token's `meta` contains the name of the video. */
export function forcesName({ meta }: ForcedSettings): boolean {
  return meta !== null && Object.hasOwn(meta, 'name')
}

/**
 * Returns `meta` with the keys of the token in place of its own. Stream ignores the case of the keys that it
 * interprets in `Upload-Metadata`, and `name` is one, so that a forced name replaces `Name` and `NAME` too.
 */
export function mergeMeta(meta: JsonObject | null, forced: ForcedSettings): JsonObject | null {
  if (forced.meta === null) return meta
  const own = Object.entries(meta ?? {})
  const kept = forcesName(forced) ? own.filter(([key]) => key.toLowerCase() !== 'name') : own
  return { ...Object.fromEntries(kept), ...forced.meta }
}
