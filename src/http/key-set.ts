/**
 * The keys of an identity provider: fetched when first needed, looked after from then on, and kept
 * while the provider is away. https://www.rfc-editor.org/rfc/rfc7517#section-5
 */
import { type JWTVerifyGetKey, createRemoteJWKSet, errors } from 'jose'
import { nameCauses } from '../stream/name-causes.ts'
import type { Log } from '../uploads/parts.ts'

/** How old keys may be before they are fetched again, in milliseconds: a withdrawn key ends here. */
const REFRESH_MS = 600_000
/** Between two fetches, whatever tokens come: nobody makes the gateway a burden to the provider. */
const PAUSE_MS = 30_000
/** The same while there are no keys at all, and nobody can be let in. */
const FIRST_PAUSE_MS = 1000

/** No key can be had at the moment; the token may well be good. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

/** For jose's `jwtVerify`. Rejects with KeysUnavailable, or with jose's errors about the token. */
export function createKeySet(url: URL, now: () => Date, log: Log): JWTVerifyGetKey {
  // When to fetch is decided here: jose would forget good keys after a while, provider or not.
  const keys = createRemoteJWKSet(url, { cacheMaxAge: Infinity, cooldownDuration: Infinity })
  let fetchedAt = -Infinity
  let triedAt = -Infinity
  let failure: string | null = null
  let underWay: Promise<void> | null = null

  function fetchKeys(): Promise<void> {
    triedAt = now().getTime()
    underWay ??= reload().finally(() => {
      underWay = null
    })
    return underWay
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

  /** Resolves once there is something to look in; later on the looking after waits for nobody. */
  async function prepare(): Promise<void> {
    const at = now().getTime()
    const hasKeys = keys.jwks() !== undefined
    const isDue =
      at - fetchedAt >= REFRESH_MS && at - triedAt >= (hasKeys ? PAUSE_MS : FIRST_PAUSE_MS)
    const fetching = isDue ? fetchKeys() : underWay
    if (hasKeys) return
    await fetching
    if (keys.jwks() === undefined) throw new KeysUnavailable(`No keys yet: ${failure ?? ''}`)
  }

  return async (header, token) => {
    await prepare()
    try {
      return await keys(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      // A new key, perhaps.
      if (now().getTime() - triedAt >= PAUSE_MS) await fetchKeys()
      else await underWay
      if (failure !== null) throw new KeysUnavailable(`The key may be new: ${failure}`)
      return keys(header, token)
    }
  }
}
