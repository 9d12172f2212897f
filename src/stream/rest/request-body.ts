/** Builds request bodies, headers and queries of Stream's REST API. */
import type {
  TusUploadParams,
  DirectUploadParams,
  VideoChange,
  VideoQuery,
} from '../../uploads/ports/stream-api.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'
import { writeUploadMetadata } from './upload-metadata.ts'
import { formatTimestamp } from '../json-fields.ts'

/**
 * Builds the body of `POST /stream/direct_upload`. Fields with Stream's default are omitted.
 * https://developers.cloudflare.com/api/resources/stream/subresources/direct_upload/methods/create/
 */
export function directUploadBody(params: DirectUploadParams): Readonly<Record<string, unknown>> {
  return {
    maxDurationSeconds: params.maxDurationSeconds,
    expiry: formatTimestamp(params.expiresAt),
    meta: params.meta,
    allowedOrigins: params.allowedOrigins,
    requireSignedURLs: params.requireSignedURLs,
    ...defined('creator', params.creator ?? undefined),
    ...defined('scheduledDeletion', timestamp(params.scheduledDeletion ?? undefined)),
    ...defined('thumbnailTimestampPct', params.thumbnailTimestampPct ?? undefined),
    ...(params.watermarkUid === null ? {} : { watermark: { uid: params.watermarkUid } }),
  }
}

/**
 * Builds the headers of `POST /stream?direct_user=true`, without the token.
 * https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/
 *
 * @throws StreamError `invalid`, before a request is sent, for a creator that is no valid header.
 * @throws RangeError as `writeUploadMetadata` does.
 */
export function tusHeaders(params: TusUploadParams): Readonly<Record<string, string>> {
  return {
    'tus-resumable': '1.0.0',
    'upload-length': String(params.sizeBytes),
    'upload-metadata': writeUploadMetadata(params),
    ...defined('upload-creator', params.creator === null ? undefined : headerText(params.creator)),
  }
}

/** Builds the body of `POST /stream/{uid}`; unchanged fields are omitted. */
export function updateVideoBody(change: VideoChange): Readonly<Record<string, unknown>> {
  return {
    ...defined('maxDurationSeconds', change.maxDurationSeconds),
    ...defined('uploadExpiry', timestamp(change.expiresAt)),
    ...defined('creator', change.creator),
    ...defined('meta', change.meta),
    ...defined('allowedOrigins', change.allowedOrigins),
    ...defined('requireSignedURLs', change.requireSignedURLs),
    ...defined('scheduledDeletion', timestamp(change.scheduledDeletion)),
    ...defined('thumbnailTimestampPct', change.thumbnailTimestampPct),
  }
}

/**
 * Builds the query of `GET /stream`. Times keep their milliseconds, because Stream compares them.
 * https://developers.cloudflare.com/api/resources/stream/methods/list/
 */
export function listParameters(query: VideoQuery, uids: readonly string[]): URLSearchParams {
  // The API has no state "unknown", and might ignore an invalid filter.
  if (query.state === 'unknown') throw new RangeError('Stream cannot filter by unknown states.')
  const parameters = new URLSearchParams({ include_counts: 'true' })
  if (uids.length > 0) parameters.set('id', uids.join(','))
  if (query.creator !== undefined) parameters.set('creator', query.creator)
  if (query.state !== undefined) parameters.set('status', query.state)
  if (query.createdAfter !== undefined) parameters.set('start', query.createdAfter.toISOString())
  if (query.createdBefore !== undefined) parameters.set('end', query.createdBefore.toISOString())
  if (query.limit !== undefined) parameters.set('limit', String(query.limit))
  if (query.ascending === true) parameters.set('asc', 'true')
  return parameters
}

function timestamp(date: Date | null | undefined): string | null | undefined {
  return date instanceof Date ? formatTimestamp(date) : date
}

function defined(key: string, value: undefined): Readonly<Record<string, never>>
function defined<T>(key: string, value: T | undefined): Readonly<Record<string, T>>
function defined<T>(key: string, value: T | undefined): Readonly<Record<string, T>> {
  return value === undefined ? {} : { [key]: value }
}

// Stream's header encoding is not documented. A non-ASCII creator could be stored under another
// name, and would then not be found by it.
function headerText(creator: string): string {
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(creator)) return creator
  throw new StreamError(
    'Stream would not create a tus URL: the creator must be plain ASCII, because it is sent in a header.',
    { kind: 'invalid', mayHaveSucceeded: false, status: null, codes: [], retryAfterSeconds: null },
  )
}
