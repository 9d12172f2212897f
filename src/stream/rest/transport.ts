/**
 * Port: one HTTP request to Stream, sent once, without retries and redirects, within a timeout.
 * Failures are returned as values; the caller creates the error.
 */

import type { Deadlines } from '../../shared/deadlines.ts'

/** A request, and its description for error messages. */
export interface TransportRequest {
  /** Completes "could not …", such as "mint a tus URL". */
  readonly purpose: string
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Whether the call modifies data at Stream. If so, the change may have succeeded despite a failure. */
  readonly changes: boolean
  /** Timeout in milliseconds, until the last byte of the body has arrived. */
  readonly timeoutMs: number
  /** Expires in place of `timeoutMs`. One timer for many requests costs less than one for each. */
  readonly deadlines?: Deadlines
  /**
   * For callers to whom the status matters more than the body: time in milliseconds from the headers to the last byte
   * of the body. After the headers, such a request always returns the status, even if the caller aborts it.
   * @default the rest of `timeoutMs`
   */
  readonly bodyTimeoutMs?: number
}

/** Response headers: names are case-insensitive; `get` returns null for a missing header. */
export type TransportHeaders = Pick<Headers, 'get'>

/** A complete response. */
export interface TransportResponse {
  /** HTTP status; 0 if the runtime hides a redirect that was not followed. */
  readonly status: number
  readonly headers: TransportHeaders
  readonly text: string
}

/** Failure: no complete response arrived. */
export interface TransportFailure {
  readonly kind: 'failure'
  /** `timeout`; `too-large`: the body exceeds the limit of the transport; `connection`: the connection failed. */
  readonly reason: 'timeout' | 'too-large' | 'connection'
  /** Status of a partial response; null if there was none. */
  readonly status: number | null
  /** Headers of a partial response; null if there was none. */
  readonly headers: TransportHeaders | null
  /** False only if no byte of the request was sent. */
  readonly mayHaveBeenSent: boolean
  /** Only its names and codes may be logged: its messages may contain URLs, headers and responses. */
  readonly cause: unknown
}

/**
 * Sends one request. Returns redirects instead of following them, because the token must not be sent to
 * another host. Rejects only with the signal's reason; with `bodyTimeoutMs`, only before the headers.
 */
export type HttpTransport = (
  request: TransportRequest,
  signal?: AbortSignal,
) => Promise<({ readonly kind: 'response' } & TransportResponse) | TransportFailure>

/** Maximum bytes of a response body. A list of 1,000 videos has 2 to 3 MB; a much larger body is not Stream's. */
export const MAX_RESPONSE_BYTES = 8 * 1024 * 1024
