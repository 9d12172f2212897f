/** Port: one POST to a target, without retries and redirects. Hosts implement it. */

/** A response, or why there is none. */
export type TransportResult =
  | {
      readonly kind: 'response'
      /** 0 if the runtime hides a redirect. */
      readonly status: number
      readonly headers: Pick<Headers, 'get'>
      /** At most MAX_RESPONSE_BYTES. */
      readonly text: string
    }
  | {
      readonly kind: 'failure'
      /** `too-large`: the rest of the body was not read. */
      readonly reason: 'timeout' | 'too-large' | 'connection'
      /** Status of a response whose body is missing; null without one. */
      readonly status: number | null
      /** Its headers; null without one. */
      readonly headers: Pick<Headers, 'get'> | null
      /** Only its names and codes may be logged: its message may contain the URL. */
      readonly cause: unknown
    }

export interface CallbackRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Resolves after ATTEMPT_TIMEOUT_MS at the latest. Never rejects. */
export type CallbackTransport = (request: CallbackRequest) => Promise<TransportResult>

/** Maximum bytes of a response body that are read; a receiver needs none. */
export const MAX_RESPONSE_BYTES = 64 * 1024

/** Longest time in milliseconds of one request, after which a target counts as not responding. */
export const ATTEMPT_TIMEOUT_MS = 10_000

/** Longest time in milliseconds from the status to the end of the body. The status counts even without the body. */
export const BODY_TIMEOUT_MS = 500
