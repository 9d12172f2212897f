/** The API's refusals, each with Cloudflare's own code, and the envelope that all answers share. */
import { json, type Answer } from './http-response.ts'

/** Thrown anywhere under the REST face; becomes an envelope with `success: false`. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: number
  /** The useful sentence, which Stream puts into `messages`; null where there is none. */
  readonly reason: string | null
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: number,
    message: string,
    reason: string | null = null,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.reason = reason
    this.headers = headers
  }
}

/** 10005: `errors` only says "Bad Request"; the sentence is in `messages`, as at Stream. */
export function badRequest(reason: string): ApiError {
  return new ApiError(400, 10_005, 'Bad Request', reason)
}

export function notFound(): ApiError {
  return new ApiError(404, 10_003, 'Not Found')
}

export function tooLarge(reason: string): ApiError {
  return new ApiError(413, 10_005, 'Payload Too Large', reason)
}

/** 10011 with the numbers in words, as several live reports show it. */
export function storageSpent(usedMinutes: number, limitMinutes: number): ApiError {
  return new ApiError(
    413,
    10_011,
    'Storage capacity exceeded',
    `You have uploaded ${usedMinutes.toFixed(2)} minutes and are allocated ${limitMinutes} minutes.`,
  )
}

export function succeed(result: unknown, extra: Readonly<Record<string, string>> = {}): Answer {
  return json(200, { result, success: true, errors: [], messages: [], ...extra })
}

export function refuse(error: ApiError): Answer {
  const { status, code, message, reason, headers } = error
  const envelope = {
    result: null,
    success: false,
    errors: [{ code, message }],
    messages: reason === null ? [] : [{ code, message: reason }],
  }
  return json(status, envelope, headers)
}
