/**
 * Remote JWKS of an identity provider: fetched on first use, then refreshed, and used stale while the
 * provider is unavailable. https://www.rfc-editor.org/rfc/rfc7517#section-5
 */
import {
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  jwtVerify,
} from 'jose'
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

/**
 * Keys that are tried for one token if its key id does not decide, as every forged token costs as many
 * verifications. A provider publishes two or three keys per algorithm during a rotation.
 */
export const MAX_CANDIDATE_KEYS = 4

/**
 * Tokens of unknown keys that wait for one fetch; further ones are rejected. Each occupies a place among the
 * requests in flight, and anybody can forge them.
 */
export const MAX_WAITING_TOKENS = 250

/** The JWKS, or its current version, cannot be fetched, so the token may be valid. */
export class JwksUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

export interface Jwks {
  /**
   * Verifies a token by the key that its key id names. Tries the keys of its type and algorithm if the token
   * has no key id, or if no key has this id and some have none.
   * Rejects with JwksUnavailable, or with jose's errors about the token.
   */
  verify(token: string, options: JWTVerifyOptions): Promise<{ readonly payload: JWTPayload }>
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
  /** The keys without `kid`, which is optional; null if all have one. */
  let unnamedKeys: JWTVerifyGetKey | null = null
  let fetchedAt = -Infinity
  let fetchCount = 0
  let lastAttemptAt = -Infinity
  let failure: string | null = null
  /** `waiting` counts the tokens that have waited for it. */
  let inFlightFetch: {
    readonly at: number
    readonly fetch: Promise<void>
    waiting: number
  } | null = null

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
    inFlightFetch = { at: lastAttemptAt, fetch, waiting: 0 }
    keepAlive(fetch)
    return fetch
  }

  async function reload(): Promise<void> {
    try {
      await keys.reload()
      const unnamed = (keys.jwks()?.keys ?? []).filter(({ kid }) => kid === undefined)
      unnamedKeys = unnamed.length === 0 ? null : createLocalJWKSet({ keys: unnamed })
      fetchedAt = now().getTime()
      fetchCount += 1
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

  /** Resolves when no fetch is in flight. Rejects with JwksUnavailable if too many tokens wait for it. */
  async function waitForFetch(): Promise<void> {
    const current = currentFetch()
    if (current === null || inFlightFetch === null) return
    if (inFlightFetch.waiting >= MAX_WAITING_TOKENS)
      throw new JwksUnavailable('Unknown key, and too many tokens wait for the key set.')
    inFlightFetch.waiting += 1
    await current
  }

  /** Verifies by the keys of the last fetch. Throws UnknownKey if another fetch may add the key. */
  async function verifyByKnownKeys(
    token: string,
    options: JWTVerifyOptions,
  ): Promise<{ readonly payload: JWTPayload }> {
    let isNamed = true
    const findKey: JWTVerifyGetKey = async (header, jws) => {
      isNamed = header.kid !== undefined
      try {
        return await keys(header, jws)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || unnamedKeys === null) throw error
        isNamed = false
        return unnamedKeys({ alg: header.alg }, jws)
      }
    }
    try {
      return await verifyByAnyOf(token, findKey, options)
    } catch (error) {
      const isUnknown =
        error instanceof errors.JWKSNoMatchingKey ||
        (error instanceof errors.JWSSignatureVerificationFailed && !isNamed)
      throw isUnknown ? new UnknownKey('No key verifies the token.', { cause: error }) : error
    }
  }

  return {
    async verify(token, options) {
      await ensureKeys()
      const fetchCountBefore = fetchCount
      try {
        return await verifyByKnownKeys(token, options)
      } catch (error) {
        if (!(error instanceof UnknownKey)) throw error
        // The provider may have added a key since the last fetch.
        if (hasElapsed(MIN_FETCH_INTERVAL_MS, lastAttemptAt)) void fetchKeys()
        await waitForFetch()
        if (failure !== null)
          throw new JwksUnavailable(`Unknown key, and fetching the key set failed: ${failure}`)
        // The same keys would fail again.
        if (fetchCount === fetchCountBefore) throw error
        return verifyByKnownKeys(token, options)
      }
    },
    version: () => (isUsable() && !isDue() ? fetchedAt : null),
  }
}

/** The token was signed by none of the known keys. */
class UnknownKey extends Error {
  override readonly name = 'UnknownKey'
}

/** What jose reports about a token whose signature was verified. */
function isClaimError(error: unknown): boolean {
  return error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired
}

/**
 * Verifies by the key that `findKey` finds; if it finds several, by the first of them that succeeds. A key that
 * cannot be used, such as an RSA key of fewer than 2048 bits, is passed over.
 */
async function verifyByAnyOf(
  token: string,
  findKey: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<{ readonly payload: JWTPayload }> {
  try {
    return await jwtVerify(token, findKey, options)
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    let tried = 0
    for await (const key of error) {
      if (tried === MAX_CANDIDATE_KEYS) break
      tried += 1
      try {
        return await jwtVerify(token, key, options)
      } catch (keyError) {
        if (isClaimError(keyError)) throw keyError
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}
