/** A response of a fast path, written without a web Response. */

export interface RawResponse {
  readonly status: number
  /** Names and values alternately. Shared by many responses: without request id and content length. */
  readonly headers: readonly string[]
  readonly text: string
}
