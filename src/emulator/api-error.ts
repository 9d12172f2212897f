/** API errors with Cloudflare's codes, and the JSON envelope of all REST responses. */
import { jsonResponse, type HttpResponse } from './http-response.ts'

/** Thrown anywhere below the REST API; becomes an envelope with `success: false`. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: number
  /** Details of the error, which Stream puts into `messages`; null without details. */
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

/** Code 10005. `errors` only contains "Bad Request"; `messages` has the details, as at Stream. */
export function badRequest(reason: string): ApiError {
  return new ApiError(400, 10_005, 'Bad Request', reason)
}

export function notFound(): ApiError {
  return new ApiError(404, 10_003, 'Not Found')
}

export function tooLarge(reason: string): ApiError {
  return new ApiError(413, 10_005, 'Payload Too Large', reason)
}

/** Code 10011, with used and allocated minutes in the message as in several live reports. */
export function storageExceeded(usedMinutes: number, limitMinutes: number): ApiError {
  return new ApiError(
    413,
    10_011,
    'Storage capacity exceeded',
    `You have uploaded ${usedMinutes.toFixed(2)} minutes and are allocated ${limitMinutes} minutes.`,
  )
}

export function successResponse(
  result: unknown,
  extra: Readonly<Record<string, string>> = {},
): HttpResponse {
  return jsonResponse(200, { result, success: true, errors: [], messages: [], ...extra })
}

export function errorResponse(error: ApiError): HttpResponse {
  const { status, code, message, reason, headers } = error
  const envelope = {
    result: null,
    success: false,
    errors: [{ code, message }],
    messages: reason === null ? [] : [{ code, message: reason }],
  }
  return jsonResponse(status, envelope, headers)
}
