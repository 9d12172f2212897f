/** Port: signed tokens that play a private video. Adapters sign them with a key or request them from Stream. */
import type { MaybePromise } from './upload-store.ts'

/** The properties of a token. Equal requests share a token for a part of its life. */
export interface PlaybackTokenRequest {
  /** Stream's id of the video. */
  readonly uid: string
  /** Maximum life of the token, in seconds. */
  readonly ttlSeconds: number
  /** Whether the token also allows downloads. */
  readonly downloadable: boolean
}

/** A signed token. It is a secret of those who may play the video. */
export interface PlaybackToken {
  /** JWT that replaces the uid in the video's addresses. */
  readonly token: string
  readonly expiresAt: Date
}

/** Null if Stream does not know the video; `busy` if too many signatures of the caller wait. */
export type PlaybackTokenOutcome = PlaybackToken | 'busy' | null

/** Maximum number of one caller's signatures that wait for each other: they take about a second. */
export const MAX_WAITING_SIGNATURES = 1000

export interface PlaybackTokens {
  /**
   * Returns a token that can be shared: an existing one, or the result of a request in flight. Undefined if
   * `create` must be called. Rejects if such a request failed in the last seconds.
   */
  find(request: PlaybackTokenRequest): MaybePromise<PlaybackTokenOutcome> | undefined
  /**
   * Creates a token. Concurrent equal requests share one. Rejects with StreamError if Stream does not issue a
   * token.
   * @param caller subject of the caller, whose signatures wait for each other
   */
  create(request: PlaybackTokenRequest, caller: string): Promise<PlaybackTokenOutcome>
}
