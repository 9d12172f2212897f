/**
 * Port: one HTTP request to Stream, sent once, without retries and redirects, within a timeout.
 * Failures are returned as values; the caller creates the error.
 */

/** A request, and the description of it for errors. */
export interface TransportRequest {
  /** Completes "could not …", such as "mint a tus URL". */
  readonly purpose: string
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Whether the call modifies data at Stream: after a failure, it may have succeeded. */
  readonly changes: boolean
  /** Timeout in milliseconds, up to the last byte of the body. */
  readonly timeoutMs: number
}

/** Response headers: names are case-insensitive; `get` returns null for a missing header. */
export type TransportHeaders = Pick<Headers, 'get'>

/** A complete response. */
export interface TransportResponse {
  /** 0 where the runtime hides an unfollowed redirect. */
  readonly status: number
  readonly headers: TransportHeaders
  readonly text: string
}

/** No complete response. */
export interface TransportFailure {
  readonly kind: 'failure'
  /** `timeout`; `too-large`: the body exceeds 8 MB; `connection`: the connection failed. */
  readonly reason: 'timeout' | 'too-large' | 'connection'
  /** Status of a partial response; null without one. */
  readonly status: number | null
  /** False only if no byte of the request was sent. */
  readonly mayHaveBeenSent: boolean
  /** Only its names and codes may be shown: messages may quote URLs, headers and responses. */
  readonly cause: unknown
}

/**
 * Sends one request. Redirects are returned, not followed, because the token must not reach another
 * host. Rejects only with the signal's reason.
 */
export type HttpTransport = (
  request: TransportRequest,
  signal?: AbortSignal,
) => Promise<({ readonly kind: 'response' } & TransportResponse) | TransportFailure>

/** A list of 1,000 videos has 2 to 3 MB; a much larger body is not Stream's. */
export const MAX_RESPONSE_BYTES = 8 * 1024 * 1024
