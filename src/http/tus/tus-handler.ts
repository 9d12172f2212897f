/**
 * tus creation endpoint: creates an upload and returns Stream's one-time URL in `Location`. The client
 * sends the file to Stream. https://tus.io/protocols/resumable-upload#creation
 */
import { limitsInForce } from '../../uploads/caller-limits.ts'
import { createUpload } from '../../uploads/create/create-upload.ts'
import { type CreateUploadOutcome } from '../../uploads/outcomes.ts'
import type { Dependencies } from '../../uploads/dependencies.ts'
import { MAX_TUS_BYTES } from '../../uploads/limits.ts'
import { type Authenticate, isViewer } from '../auth/authenticate.ts'
import { type Handler, methodNotAllowed, textResponse } from '../handler.ts'
import { requestScoped } from '../middleware/request-id.ts'
import { parseTusCreation, formatTusIssue } from './parse-creation.ts'
import { METHOD_OVERRIDE, METHOD_OVERRIDE_RULE, TUS_VERSION, tusMethod } from './tus-request.ts'

/** Response headers that tus clients in a browser read. */
export const TUS_EXPOSED_HEADERS = [
  'Location',
  'Stream-Media-Id',
  'Tus-Resumable',
  'Tus-Version',
  'Tus-Extension',
  'Tus-Max-Size',
  'Upload-Expires',
]

/** https://tus.io/protocols/resumable-upload#options */
const CAPABILITY_HEADERS = {
  'tus-version': TUS_VERSION,
  'tus-extension': 'creation,expiration',
  'tus-max-size': String(MAX_TUS_BYTES),
}

/** Retry delay in seconds if Stream or the identity provider is unavailable. */
const RETRY_AFTER_SECONDS = '5'

export function createTusHandler(dependencies: Dependencies, authenticate: Authenticate): Handler {
  return async (request, client) => {
    const { headers } = request
    const method = tusMethod(request.method, headers.get(METHOD_OVERRIDE))
    if (method === null) return textResponse(400, METHOD_OVERRIDE_RULE)
    if (method === 'OPTIONS')
      return new Response(null, { status: 204, headers: CAPABILITY_HEADERS })
    if (['HEAD', 'PATCH', 'DELETE'].includes(method)) {
      return textResponse(
        405,
        'This endpoint only creates uploads. Send the file to the URL in the Location header of the creation response.',
        { allow: 'POST, OPTIONS' },
      )
    }
    if (method !== 'POST') return methodNotAllowed(['POST', 'OPTIONS'])
    if (headers.get('tus-resumable') !== TUS_VERSION) {
      return textResponse(412, `Unsupported tus version. Send \`Tus-Resumable: ${TUS_VERSION}\`.`, {
        'tus-version': TUS_VERSION,
      })
    }
    const caller = await authenticate(headers.get('authorization'))
    if (!isViewer(caller)) {
      return caller.kind === 'unavailable'
        ? textResponse(503, caller.message, { 'retry-after': RETRY_AFTER_SECONDS })
        : textResponse(401, caller.message, { 'www-authenticate': 'Bearer' })
    }
    if (hasBody(request)) {
      return textResponse(
        400,
        'The creation request must not contain file data. Set `uploadDataDuringCreation` to false.',
      )
    }
    const limits = limitsInForce(dependencies.policy, caller.limits)
    const creation = parseTusCreation(headers, limits)
    if ('problems' in creation) return textResponse(400, creation.problems.join(' '))
    return toResponse(
      await createUpload(requestScoped(dependencies, client?.requestId), caller, creation),
    )
  }
}

function hasBody({ headers }: Request): boolean {
  const length = headers.get('content-length')
  return headers.has('transfer-encoding') || (length !== null && length !== '0')
}

function toResponse(outcome: CreateUploadOutcome): Response {
  switch (outcome.kind) {
    case 'Minted':
      return new Response(null, {
        status: 201,
        headers: {
          location: outcome.uploadURL,
          'stream-media-id': outcome.upload.uid,
          // https://tus.io/protocols/resumable-upload#expiration
          'upload-expires': outcome.upload.expiresAt.toUTCString(),
        },
      })
    case 'InvalidInputError':
      return textResponse(400, outcome.issues.map(formatTusIssue).join(' '))
    case 'ForbiddenError':
      return textResponse(403, outcome.message)
    case 'QuotaExceededError':
      return textResponse(413, `${outcome.message} ${quotaAdvice(outcome)}`)
    case 'IdempotencyConflictError':
      // Not 409: tus clients treat it as a lock and retry.
      return textResponse(422, outcome.message)
    case 'RateLimitedError':
      return textResponse(429, `${outcome.message} Retry in ${outcome.retryAfterSeconds} s.`, {
        'retry-after': String(outcome.retryAfterSeconds),
      })
    case 'StreamError':
      // A permanent error is not sent as 5xx, because tus clients would retry.
      return outcome.retryable
        ? textResponse(503, outcome.message, {
            'retry-after': RETRY_AFTER_SECONDS,
          })
        : textResponse(422, outcome.message)
  }
}

function quotaAdvice({
  requestedMinutes,
  availableMinutes,
}: Extract<CreateUploadOutcome, { kind: 'QuotaExceededError' }>): string {
  const requested = `${minutes(requestedMinutes)} were requested`
  return availableMinutes === null
    ? `${requested}. Use a shorter maxDurationSeconds, or delete a video.`
    : `${requested}, ${minutes(availableMinutes)} are free. Use a maxDurationSeconds that fits, or delete a video.`
}

function minutes(count: number): string {
  return `${Math.round(count * 10) / 10} minutes`
}
