/** Keeps the addresses of a private video valid while it is played. */
import type { ClientClock } from '../clock.ts'
import { type RetryPolicy, waitBeforeRetry } from '../retry.ts'
import { PLAYBACK, foundPlayback } from './operations.ts'
import type { Playback } from './playback.ts'
import { type GatewayEndpoint, executeTyped } from './request.ts'

export interface PlaybackOptions {
  /** How long each address works, in seconds, 60 to 86400. Default: 3600. */
  readonly ttlSeconds?: number | undefined
  /** Whether the token also allows downloads. Default: false. */
  readonly downloadable?: boolean | undefined
  /** Ends the renewal: the iteration throws the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

const DEFAULT_TTL_SECONDS = 3600
/**
 * The gateway's addresses work for at least half of `ttlSeconds`. Renewed after a quarter, they leave another
 * quarter for retries, whatever time the device's clock has.
 */
const RENEWAL_SHARE = 0.25
/** Maximum duration of one timer, in milliseconds: timers are late after the device slept. */
const MAX_TIMER_MS = 30_000

/**
 * Yields the addresses, then each renewal. Ends when the video cannot be played any more, and after the first
 * addresses of a public video. Temporary failures are retried at least until the last addresses expire.
 * @throws UploadError for a permanent failure, and when the retries after the expiry failed
 */
export async function* renewPlayback(
  dependencies: GatewayEndpoint & RetryPolicy,
  uid: string,
  options: PlaybackOptions,
): AsyncGenerator<Playback, void> {
  const { ttlSeconds = DEFAULT_TTL_SECONDS, downloadable = false, signal } = options
  const { clock, retries } = dependencies
  const request = { query: PLAYBACK, variables: { uid, ttlSeconds, downloadable } }
  let token: string | null = null
  /** When the last addresses certainly have expired, in milliseconds since 1970. */
  let expiredAt = 0
  let failures = 0
  for (;;) {
    const requestedAt = clock.now().getTime()
    try {
      const playback = await executeTyped(dependencies, request, foundPlayback, signal)
      failures = 0
      expiredAt = requestedAt + ttlSeconds * 1000
      if (playback === null) return
      // Equal requests share a token.
      if (playback.token === null || playback.token !== token) yield playback
      if (playback.token === null) return
      token = playback.token
    } catch (error) {
      const isPlaying = clock.now().getTime() < expiredAt
      const policy = { clock, retries: isPlaying ? Infinity : retries }
      await waitBeforeRetry(policy, signal, error, failures)
      failures += 1
      continue
    }
    await waitUntil(clock, requestedAt + ttlSeconds * 1000 * RENEWAL_SHARE, signal)
  }
}

/**
 * Waits until this time in milliseconds since 1970, also after the device slept.
 * @throws the signal's reason on abort
 */
async function waitUntil(
  clock: ClientClock,
  time: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    const leftMs = time - clock.now().getTime()
    if (leftMs <= 0) return
    await clock.wait(Math.min(leftMs, MAX_TIMER_MS), signal)
    signal?.throwIfAborted()
  }
}
