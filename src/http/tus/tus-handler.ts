/**
 * The door for tus clients: their `endpoint`. It creates the upload and names Stream's one-time URL;
 * the file goes straight there. https://tus.io/protocols/resumable-upload#creation
 */
import { type CreateUploadOutcome, createUpload } from '../../uploads/create/create-upload.ts'
import type { Parts } from '../../uploads/dependencies.ts'
import { MAX_TUS_BYTES } from '../../uploads/policy.ts'
import { type Authenticate, isViewer } from '../auth/authenticate.ts'
import { type Door, methodNotAllowed, say } from '../handler.ts'
import { partsFor } from '../middleware/request-id.ts'
import { readTusTerms, sayTusIssue } from './parse-creation.ts'

/** What a browser must be allowed to read of the answers. */
export const TUS_EXPOSED = [
  'Location',
  'Stream-Media-Id',
  'Tus-Resumable',
  'Tus-Version',
  'Tus-Extension',
  'Tus-Max-Size',
  'Upload-Expires',
]

const VERSION = { 'tus-resumable': '1.0.0' }
/** https://tus.io/protocols/resumable-upload#options */
const ABILITIES = {
  ...VERSION,
  'tus-version': '1.0.0',
  'tus-extension': 'creation,expiration',
  'tus-max-size': String(MAX_TUS_BYTES),
}
/** Seconds after which a client may try again where Stream did not answer. */
const RETRY_AFTER_SECONDS = '5'

export function createTusDoor(parts: Parts, authenticate: Authenticate): Door {
  return async (request, visitor) => {
    if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: ABILITIES })
    if (['HEAD', 'PATCH', 'DELETE'].includes(request.method)) {
      return say(
        405,
        'This door creates uploads. Send the file to the address that its answer names in Location.',
        { ...VERSION, allow: 'POST, OPTIONS' },
      )
    }
    if (request.method !== 'POST') return methodNotAllowed(['POST', 'OPTIONS'])
    if (request.headers.get('tus-resumable') !== '1.0.0') {
      return say(412, 'Send the header `Tus-Resumable: 1.0.0`: no other version is spoken here.', {
        'tus-version': '1.0.0',
      })
    }
    const caller = await authenticate(request.headers.get('authorization'))
    if (!isViewer(caller)) {
      return caller.kind === 'unavailable'
        ? say(503, caller.message, { ...VERSION, 'retry-after': RETRY_AFTER_SECONDS })
        : say(401, caller.message, { ...VERSION, 'www-authenticate': 'Bearer' })
    }
    if (hasBody(request)) {
      return say(
        400,
        'This door takes no bytes of the file: set `uploadDataDuringCreation` to false.',
        VERSION,
      )
    }
    const terms = readTusTerms(request.headers, parts.policy)
    if ('problems' in terms) return say(400, terms.problems.join(' '), VERSION)
    return answer(await createUpload(partsFor(parts, visitor?.requestId), caller, terms))
  }
}

function hasBody({ headers }: Request): boolean {
  const length = headers.get('content-length')
  return headers.has('transfer-encoding') || (length !== null && length !== '0')
}

function answer(outcome: CreateUploadOutcome): Response {
  switch (outcome.kind) {
    case 'Minted':
      return new Response(null, {
        status: 201,
        headers: {
          ...VERSION,
          location: outcome.uploadURL,
          'stream-media-id': outcome.upload.uid,
          // https://tus.io/protocols/resumable-upload#expiration
          'upload-expires': outcome.upload.expiresAt.toUTCString(),
        },
      })
    case 'InvalidInputError':
      return say(400, outcome.issues.map(sayTusIssue).join(' '), VERSION)
    case 'ForbiddenError':
      return say(403, outcome.message, VERSION)
    case 'QuotaExceededError':
      return say(413, `${outcome.message} ${sayRoom(outcome)}`, VERSION)
    case 'IdempotencyConflictError':
      // Not 409: tus clients take that for a lock, and try again.
      return say(422, outcome.message, VERSION)
    case 'RateLimitedError':
      return say(429, `${outcome.message} Try again in ${outcome.retryAfterSeconds} s.`, {
        ...VERSION,
        'retry-after': String(outcome.retryAfterSeconds),
      })
    case 'StreamError':
      // A refusal is final, and no failure of the gateway: clients are not to try again.
      return outcome.retryable
        ? say(503, outcome.message, { ...VERSION, 'retry-after': RETRY_AFTER_SECONDS })
        : say(422, outcome.message, VERSION)
  }
}

function sayRoom({
  requestedMinutes,
  availableMinutes,
}: Extract<CreateUploadOutcome, { kind: 'QuotaExceededError' }>): string {
  const asked = `${minutes(requestedMinutes)} were asked for`
  return availableMinutes === null
    ? `${asked}: name a shorter maxDurationSeconds, or delete a video.`
    : `${asked}, ${minutes(availableMinutes)} are free: name a maxDurationSeconds that fits, or delete a video.`
}

function minutes(count: number): string {
  return `${Math.round(count * 10) / 10} minutes`
}
