/** Puts what the gateway asks for into the words of Stream's REST API. */
import type { TusOrder, UploadOrder, VideoChange, VideoQuery } from '../../uploads/ports/stream-api.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'
import { writeMoment, writeUploadMetadata } from './upload-metadata.ts'

/**
 * The body of `POST /stream/direct_upload`. What is left to Stream's default is left out.
 * https://developers.cloudflare.com/api/resources/stream/subresources/direct_upload/methods/create/
 */
export function directUploadBody(order: UploadOrder): Readonly<Record<string, unknown>> {
  return {
    maxDurationSeconds: order.maxDurationSeconds,
    expiry: writeMoment(order.expiresAt),
    meta: order.meta,
    allowedOrigins: order.allowedOrigins,
    requireSignedURLs: order.requireSignedURLs,
    ...defined('creator', order.creator ?? undefined),
    ...defined('scheduledDeletion', moment(order.scheduledDeletion ?? undefined)),
    ...defined('thumbnailTimestampPct', order.thumbnailTimestampPct ?? undefined),
  }
}

/**
 * The headers of `POST /stream?direct_user=true`, the token aside.
 * https://developers.cloudflare.com/stream/uploading-videos/resumable-uploads/
 *
 * @throws StreamError `invalid`, before anything is sent, for a creator that no header can carry.
 * @throws RangeError as `writeUploadMetadata` does.
 */
export function tusHeaders(order: TusOrder): Readonly<Record<string, string>> {
  return {
    'tus-resumable': '1.0.0',
    'upload-length': String(order.sizeBytes),
    'upload-metadata': writeUploadMetadata(order),
    ...defined('upload-creator', order.creator === null ? undefined : headerText(order.creator)),
  }
}

/** The body of `POST /stream/{uid}`: only what is to change. */
export function changeBody(change: VideoChange): Readonly<Record<string, unknown>> {
  return {
    ...defined('maxDurationSeconds', change.maxDurationSeconds),
    ...defined('uploadExpiry', moment(change.expiresAt)),
    ...defined('creator', change.creator),
    ...defined('meta', change.meta),
    ...defined('allowedOrigins', change.allowedOrigins),
    ...defined('requireSignedURLs', change.requireSignedURLs),
    ...defined('scheduledDeletion', moment(change.scheduledDeletion)),
    ...defined('thumbnailTimestampPct', change.thumbnailTimestampPct),
  }
}

/**
 * The parameters of `GET /stream`. Moments keep their milliseconds here, as they are compared.
 * https://developers.cloudflare.com/api/resources/stream/methods/list/
 */
export function listParameters(query: VideoQuery, uids: readonly string[]): URLSearchParams {
  // The API names no state "unknown", and a filter it does not know it might leave aside.
  if (query.state === 'unknown') throw new RangeError('Stream cannot be asked for unknown states.')
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

function moment(date: Date | null | undefined): string | null | undefined {
  return date instanceof Date ? writeMoment(date) : date
}

function defined(key: string, value: undefined): Readonly<Record<string, never>>
function defined<T>(key: string, value: T | undefined): Readonly<Record<string, T>>
function defined<T>(key: string, value: T | undefined): Readonly<Record<string, T>> {
  return value === undefined ? {} : { [key]: value }
}

// Which encoding Stream would read in a header is not documented: a creator beyond plain ASCII
// might be kept under another name, and would then not be found by it.
function headerText(creator: string): string {
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(creator)) return creator
  throw new StreamError(
    'Stream would not mint a tus URL: it takes the creator in a header, in plain ASCII only.',
    { kind: 'invalid', mayHaveHappened: false, status: null, codes: [], retryAfterSeconds: null },
  )
}
