/** Playback tokens that equal requests share: signed with the gateway's key, or requested from Stream. */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../shared/clock.ts'
import { addReference } from '../shared/ref-count.ts'
import { runExclusive } from '../shared/run-exclusive.ts'
import { shareInFlight } from '../shared/share-in-flight.ts'
import {
  MAX_WAITING_SIGNATURES,
  type PlaybackToken,
  type PlaybackTokenOutcome,
  type PlaybackTokenRequest,
  type PlaybackTokens,
} from '../uploads/ports/playback-tokens.ts'
import type { StreamApi } from '../uploads/ports/stream-api.ts'
import { CLOCK_SKEW_SECONDS, type SignPlaybackToken } from './playback-signer.ts'

/** Maximum number of cached tokens, about 1 kB each. */
const MAX_TOKENS = 10_000

/** Part of a token's life in which it is shared. Signing is cheap, so nearly all of the life remains. */
const SIGNED_SHARE = 0.05
/** Each token of Stream costs a request, and Stream documents `/token` for a limited number of tokens. */
const REQUESTED_SHARE = 0.5

/** Longest life of a token: Stream rejects those that expire more than 24 hours ahead of its clock. */
const MAX_LIFE_SECONDS = 86_400 - CLOCK_SKEW_SECONDS

/** How long a failure or a missing video is cached, in milliseconds. */
const FAILURE_CACHE_MS = 2000

export interface PlaybackTokensOptions {
  /** Signs tokens; null to request them from Stream. */
  readonly sign: SignPlaybackToken | null
  readonly stream: Pick<StreamApi, 'createPlaybackToken'>
  readonly clock: Pick<Clock, 'now'>
  /** Requests in flight; empty on hosts where requests must not share promises. */
  readonly inFlight: Map<string, Promise<PlaybackTokenOutcome>>
  /** The last signature of each caller; empty on the same hosts. */
  readonly signaturesInFlight: Map<string, Promise<unknown>>
}

type Entry = (
  | { readonly kind: 'token'; readonly token: PlaybackToken | null }
  | { readonly kind: 'failed'; readonly error: unknown }
) & {
  /** Milliseconds since 1970 between which the entry is used; also a clock that was set back ends it. */
  readonly from: number
  readonly until: number
}

export function createPlaybackTokens({
  sign,
  stream,
  clock,
  inFlight,
  signaturesInFlight,
}: PlaybackTokensOptions): PlaybackTokens {
  const cache = new LRUCache<string, Entry>({ max: MAX_TOKENS })
  const share = sign === null ? REQUESTED_SHARE : SIGNED_SHARE
  /** Number of signatures of each caller that run or wait. */
  const waiting = new Map<string, number>()

  async function issue(key: string, request: PlaybackTokenRequest): Promise<PlaybackToken | null> {
    const now = clock.now()
    const from = now.getTime()
    const failureUntil = from + FAILURE_CACHE_MS
    const lifeSeconds = Math.min(request.ttlSeconds, MAX_LIFE_SECONDS)
    // Whole seconds, as in the token.
    const expiresAt = new Date((Math.floor(from / 1000) + lifeSeconds) * 1000)
    const params = { ...request, expiresAt }
    try {
      const text = await (sign === null ? stream.createPlaybackToken(params) : sign(params, now))
      const token = text === null ? null : { token: text, expiresAt }
      const until = token === null ? failureUntil : from + lifeSeconds * 1000 * share
      cache.set(key, { kind: 'token', token, from, until })
      return token
    } catch (error) {
      // The fallback executes a failed operation again, which must not send the request again.
      cache.set(key, { kind: 'failed', error, from, until: failureUntil })
      throw error
    }
  }

  /**
   * Signs the tokens of one caller one after the other: a signature takes a thread of Node's pool for a millisecond,
   * and tokens of callers are verified there too.
   */
  async function inTurn(
    caller: string,
    work: () => Promise<PlaybackToken | null>,
  ): Promise<PlaybackTokenOutcome> {
    if ((waiting.get(caller) ?? 0) >= MAX_WAITING_SIGNATURES) return 'busy'
    const release = addReference(waiting, caller)
    try {
      return await runExclusive(signaturesInFlight, caller, work)
    } finally {
      release()
    }
  }

  return {
    find(request) {
      const key = keyOf(request)
      const entry = cache.get(key)
      const now = clock.now().getTime()
      if (entry === undefined || now < entry.from || now >= entry.until) return inFlight.get(key)
      return entry.kind === 'token' ? entry.token : Promise.reject(entry.error)
    },
    create(request, caller) {
      const key = keyOf(request)
      const work = () => issue(key, request)
      return shareInFlight(inFlight, key, () => (sign === null ? work() : inTurn(caller, work)))
    },
  }
}

function keyOf({ uid, ttlSeconds, downloadable }: PlaybackTokenRequest): string {
  return `${uid} ${ttlSeconds} ${downloadable}`
}
