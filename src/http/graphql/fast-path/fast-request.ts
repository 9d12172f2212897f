/** What a client sends, as the lane takes it. */
import type { Origin } from './response-headers.ts'

/** A POST of JSON to the GraphQL door, whole. */
export interface Post {
  readonly authorization: string | null
  /** The header; null where there is none. */
  readonly accept: string | null
  readonly from: Origin
  /** Emptied by the host once it is executed: a stream of events keeps this object. */
  body: string
  /** By which its answer and its lines in the log find each other. */
  readonly requestId: string
  /** By `performance.now()`. */
  readonly startedAt: number
  /** The client's address; null where it is not known. */
  readonly client: () => string | null
}
