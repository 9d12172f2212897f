/** Verified-token cache: verifies each token once instead of with every request. */
import { LRUCache } from 'lru-cache'
import type { Viewer } from '../../uploads/viewer.ts'
import {
  type Authenticate,
  isViewer,
  bearerTokenIn,
  createAuthenticate,
  type AuthConfig,
} from './authenticate.ts'
import type { Logger } from '../../shared/logger.ts'
import { createJwks } from './jwks.ts'

/** Total length of all cached tokens, in characters: enough for some thousands of callers. */
const MAX_CACHE_CHARACTERS = 2_000_000

/** Longest token that is cached, in characters. Identity providers issue shorter ones. */
const MAX_TOKEN_CHARACTERS = 4200

/** Nearly all clients write the scheme like this; the token is then read without a regular expression. */
const COMMON_SCHEME = 'Bearer '

export interface Authenticator {
  readonly authenticate: Authenticate
  /**
   * Returns the viewer of a cached token that has not expired and whose keys have not changed.
   * Null means not cached; `authenticate` must decide.
   */
  cached(authorization: string | null): Viewer | null
}

interface CachedViewer {
  readonly viewer: Viewer
  /** Version of the keys that verified the token. */
  readonly keysVersion: number
}

/**
 * @param keysVersion changes with the accepted keys; null while they must be fetched, and no token is
 *   cached or found then
 */
export function cacheVerifiedTokens(
  authenticate: Authenticate,
  now: () => Date,
  keysVersion: () => number | null,
): Authenticator {
  const cache = new LRUCache<string, CachedViewer>({
    maxSize: MAX_CACHE_CHARACTERS,
    sizeCalculation: (_viewer, token) => token.length,
  })

  function cached(authorization: string | null): Viewer | null {
    if (authorization === null) return null
    const token = authorization.startsWith(COMMON_SCHEME)
      ? authorization.slice(COMMON_SCHEME.length).trim()
      : bearerTokenIn(authorization)
    const entry = token === null ? undefined : cache.get(token)
    if (token === null || entry === undefined) return null
    const { viewer } = entry
    const expired = viewer.expiresAt !== null && viewer.expiresAt <= now()
    if (!expired && entry.keysVersion === keysVersion()) return viewer
    cache.delete(token)
    return null
  }

  return {
    cached,
    async authenticate(authorization) {
      // Verification waits for the thread pool, and the load shedder measures the work before such a wait.
      const known = cached(authorization)
      if (known !== null) return known
      const version = keysVersion()
      const caller = await authenticate(authorization)
      const token = authorization === null ? null : bearerTokenIn(authorization)
      if (token !== null && token.length <= MAX_TOKEN_CHARACTERS && isViewer(caller)) {
        // If the keys changed during verification, it is unknown which ones verified the token.
        const unchanged = version !== null && version === keysVersion()
        if (unchanged) cache.set(token, { viewer: caller, keysVersion: version })
      }
      return caller
    },
  }
}

const LOCAL_ADMIN: Viewer = {
  subject: 'local',
  isAdmin: true,
  canPlayAll: true,
  limits: null,
  expiresAt: null,
}

/** @param keepAlive see `GatewayOptions.keepAlive` */
export function createAuthenticator(
  rules: AuthConfig,
  now: () => Date,
  log: Logger,
  keepAlive?: (work: Promise<unknown>) => void,
): Authenticator {
  if (rules.kind === 'disabled') {
    return { authenticate: async () => LOCAL_ADMIN, cached: () => LOCAL_ADMIN }
  }
  const jwks = rules.jwksURL === null ? null : createJwks(rules.jwksURL, now, log, keepAlive)
  const authenticate = createAuthenticate(rules, jwks, now, log)
  return cacheVerifiedTokens(authenticate, now, () => (jwks === null ? 0 : jwks.version()))
}
