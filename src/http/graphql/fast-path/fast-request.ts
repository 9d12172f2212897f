/** A POST request with a JSON body to the GraphQL endpoint, read completely. */
export interface FastRequest {
  readonly authorization: string | null
  /** The Accept header; null if absent. */
  readonly accept: string | null
  readonly from: RequestOrigin
  /** The host clears it after the fallback has responded: an event stream keeps this object. */
  body: string
  /** Identifies the request in `X-Request-Id` and in log lines. */
  readonly requestId: string
  /** Milliseconds, from `performance.now()`. */
  readonly startedAt: number
  /** Returns the client's address; null if unknown. */
  readonly client: () => string | null
}

/** Headers that the origin check and the host check use. */
export interface RequestOrigin {
  /** The Origin header; null if absent. */
  readonly origin: string | null
  /** The Host header. */
  readonly host: string
}
