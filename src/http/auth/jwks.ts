/**
 * Remote JWKS of an identity provider: fetched on first use, then refreshed, and used stale while the
 * provider is unavailable. https://www.rfc-editor.org/rfc/rfc7517#section-5
 */
import { type JWTVerifyGetKey, createRemoteJWKSet, errors } from 'jose'
import { errorCodeChain } from '../../shared/error-codes.ts'
import type { Logger } from '../../shared/logger.ts'

/** Age in milliseconds after which the keys are refreshed in the background. */
const REFRESH_MS = 300_000

/** Age in milliseconds after which requests wait for a refresh: limits how long a withdrawn key is accepted. */
const STALE_MS = 600_000

/** A fetch older than this (ms) was cancelled together with the request that started it; jose times out after 5 s. */
const ABANDONED_FETCH_MS = 10_000

/** Minimum time between two fetches, in milliseconds: forged tokens must not overload the provider. */
const MIN_FETCH_INTERVAL_MS = 30_000

/** The same until the first keys arrive, while every caller is rejected. */
const FIRST_FETCH_INTERVAL_MS = 1000

/** The JWKS, or its current version, cannot be fetched, so the token may be valid. */
export class JwksUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

export interface Jwks {
  /** For jose's `jwtVerify`. Rejects with JwksUnavailable, or with jose's errors about the token. */
  readonly getKey: JWTVerifyGetKey
  /** Changes with every successful fetch; null while keys are missing, stale or due for a refresh. */
  version(): number | null
}

/** @param keepAlive makes the host finish a fetch after its request has ended: many requests share it */
export function createJwks(
  url: URL,
  now: () => Date,
  log: Logger,
  keepAlive: (work: Promise<unknown>) => void = () => undefined,
): Jwks {
  // jose's own refresh is disabled: it would drop old keys even while the provider is unavailable.
  const keys = createRemoteJWKSet(url, { cacheMaxAge: Infinity, cooldownDuration: Infinity })
  let fetchedAt = -Infinity
  let lastAttemptAt = -Infinity
  let failure: string | null = null
  let inFlightFetch: { readonly at: number; readonly fetch: Promise<void> } | null = null

  function currentFetch(): Promise<void> | null {
    return inFlightFetch === null || hasElapsed(ABANDONED_FETCH_MS, inFlightFetch.at)
      ? null
      : inFlightFetch.fetch
  }

  function fetchKeys(): Promise<void> {
    lastAttemptAt = now().getTime()
    const current = currentFetch()
    if (current !== null) return current
    const fetch = reload().finally(() => {
      if (inFlightFetch?.fetch === fetch) inFlightFetch = null
    })
    inFlightFetch = { at: lastAttemptAt, fetch }
    keepAlive(fetch)
    return fetch
  }

  async function reload(): Promise<void> {
    try {
      await keys.reload()
      fetchedAt = now().getTime()
      failure = null
    } catch (error) {
      // Error codes only: messages of fetch contain URLs.
      failure = errorCodeChain(error).join(', ') || 'no reason given'
      log.warn({ reason: failure }, 'fetching AUTH_JWKS_URL failed')
    }
  }

  /** True also if the clock was set back: otherwise nothing would be fetched until it catches up. */
  function hasElapsed(milliseconds: number, since: number): boolean {
    const elapsedMs = now().getTime() - since
    return elapsedMs >= milliseconds || elapsedMs < 0
  }

  function hasKeys(): boolean {
    return fetchedAt !== -Infinity
  }

  function isDue(): boolean {
    return (
      hasElapsed(REFRESH_MS, fetchedAt) &&
      hasElapsed(hasKeys() ? MIN_FETCH_INTERVAL_MS : FIRST_FETCH_INTERVAL_MS, lastAttemptAt)
    )
  }

  /** Whether the keys can be used without a fetch: fresh, or stale while the provider is unavailable. */
  function isUsable(): boolean {
    return hasKeys() && (!hasElapsed(STALE_MS, fetchedAt) || failure !== null)
  }

  /** Resolves when there are usable keys. Rejects with JwksUnavailable if none was ever fetched. */
  async function ensureKeys(): Promise<void> {
    const fetching = isDue() ? fetchKeys() : currentFetch()
    if (isUsable()) return
    await fetching
    if (fetchedAt === -Infinity) throw new JwksUnavailable(`No keys available: ${failure ?? ''}`)
  }

  return {
    async getKey(header, token) {
      await ensureKeys()
      try {
        return await keys(header, token)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
        // The provider may have added a key since the last fetch.
        if (hasElapsed(MIN_FETCH_INTERVAL_MS, lastAttemptAt)) await fetchKeys()
        else await currentFetch()
        if (failure !== null)
          throw new JwksUnavailable(`Unknown key, and fetching the key set failed: ${failure}`)
        return keys(header, token)
      }
    },
    version: () => (isUsable() && !isDue() ? fetchedAt : null),
  }
}
