/**
 * The keys of an identity provider: fetched when first needed, looked after from then on, and kept
 * while the provider is away. https://www.rfc-editor.org/rfc/rfc7517#section-5
 */
import { type JWTVerifyGetKey, createRemoteJWKSet, errors } from 'jose'
import { nameCauses } from '../../stream/name-causes.ts'
import type { Log } from '../../uploads/dependencies.ts'

/** How old keys may be before they are fetched again by the way, in milliseconds. */
const REFRESH_MS = 300_000
/** How old before they are believed no more unless the provider is away: a withdrawn key ends here. */
const STALE_MS = 600_000
/** A fetch that has not ended by then was cut off with whoever began it; jose gives up after 5 s. */
const GONE_AFTER_MS = 10_000
/** Between two fetches, whatever tokens come: nobody makes the gateway a burden to the provider. */
const PAUSE_MS = 30_000
/** The same while there are no keys at all, and nobody can be let in. */
const FIRST_PAUSE_MS = 1000

/** No key can be had at the moment; the token may well be good. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

export interface KeySet {
  /** For jose's `jwtVerify`. Rejects with KeysUnavailable, or with jose's errors about the token. */
  readonly getKey: JWTVerifyGetKey
  /** Another number for other keys; null where they are to be fetched before anybody is believed. */
  version(): number | null
}

/**
 * @param keepAlive has the host wait for a fetch, though whoever began it be gone: many requests share it
 */
export function createKeySet(
  url: URL,
  now: () => Date,
  log: Log,
  keepAlive: (work: Promise<unknown>) => void = () => undefined,
): KeySet {
  // When to fetch is decided here: jose would forget good keys after a while, provider or not.
  const keys = createRemoteJWKSet(url, { cacheMaxAge: Infinity, cooldownDuration: Infinity })
  let fetchedAt = -Infinity
  let triedAt = -Infinity
  let failure: string | null = null
  let begun: { readonly at: number; readonly fetch: Promise<void> } | null = null

  function underWay(): Promise<void> | null {
    return begun === null || isOver(GONE_AFTER_MS, begun.at) ? null : begun.fetch
  }

  function fetchKeys(): Promise<void> {
    triedAt = now().getTime()
    const present = underWay()
    if (present !== null) return present
    const fetch = reload().finally(() => {
      if (begun?.fetch === fetch) begun = null
    })
    begun = { at: triedAt, fetch }
    keepAlive(fetch)
    return fetch
  }

  async function reload(): Promise<void> {
    try {
      await keys.reload()
      fetchedAt = now().getTime()
      failure = null
    } catch (error) {
      // Names only: messages of fetch quote addresses.
      failure = nameCauses(error).join(', ') || 'no reason given'
      log.warn({ because: failure }, 'the key set at AUTH_JWKS_URL cannot be fetched')
    }
  }

  /** Also where the clock was set back: else nothing would be fetched until it has caught up. */
  function isOver(milliseconds: number, since: number): boolean {
    const passed = now().getTime() - since
    return passed >= milliseconds || passed < 0
  }

  function hasKeys(): boolean {
    return fetchedAt !== -Infinity
  }

  function isDue(): boolean {
    return isOver(REFRESH_MS, fetchedAt) && isOver(hasKeys() ? PAUSE_MS : FIRST_PAUSE_MS, triedAt)
  }

  /** While the provider is away nobody waits for it, but for the first keys of all. */
  function isGood(): boolean {
    return hasKeys() && (!isOver(STALE_MS, fetchedAt) || failure !== null)
  }

  /** Resolves once there are keys to look in: stale ones only while the provider is away. */
  async function prepare(): Promise<void> {
    const fetching = isDue() ? fetchKeys() : underWay()
    if (isGood()) return
    await fetching
    if (fetchedAt === -Infinity) throw new KeysUnavailable(`No keys yet: ${failure ?? ''}`)
  }

  return {
    async getKey(header, token) {
      await prepare()
      try {
        return await keys(header, token)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
        // A new key, perhaps.
        if (isOver(PAUSE_MS, triedAt)) await fetchKeys()
        else await underWay()
        if (failure !== null) throw new KeysUnavailable(`The key may be new: ${failure}`)
        return keys(header, token)
      }
    },
    version: () => (isGood() && !isDue() ? fetchedAt : null),
  }
}
