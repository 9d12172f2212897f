/** Remembers who a token belongs to, so that it is verified once and not with each request. */
import type { Viewer } from '../../uploads/viewer.ts'
import { type Authenticate, isViewer, tokenIn } from './authenticate.ts'
import { createRecentlyUsed } from '../../shared/lru-cache.ts'

/** Characters of all remembered tokens together: some thousands of callers. */
const MOST_CHARACTERS = 2_000_000
/** Of one token: those of identity providers are shorter, and a longer one would take many places. */
const LONGEST_TOKEN = 4200
/** As nearly everybody writes the header: whoever does is found without a closer look. */
const USUAL_SCHEME = 'Bearer '

export interface Callers {
  readonly authenticate: Authenticate
  /**
   * Who sent this header before, where nothing has happened since that could make the token invalid.
   * Null says nothing: `authenticate` decides.
   */
  recall(authorization: string | null): Viewer | null
}

interface Remembered {
  readonly viewer: Viewer
  /** Of the keys that it was verified by. */
  readonly keysVersion: number
}

/**
 * @param keysVersion changes when other keys are believed; null while that is to be found out, and
 *   nobody is remembered then
 */
export function rememberCallers(
  authenticate: Authenticate,
  now: () => Date,
  keysVersion: () => number | null,
): Callers {
  const callers = createRecentlyUsed<Remembered>(MOST_CHARACTERS)
  return {
    async authenticate(authorization) {
      const version = keysVersion()
      const caller = await authenticate(authorization)
      const token = authorization === null ? null : tokenIn(authorization)
      if (token !== null && token.length <= LONGEST_TOKEN && isViewer(caller)) {
        // Keys that changed meanwhile may not be those that verified it.
        const unchanged = version !== null && version === keysVersion()
        if (unchanged) callers.set(token, { viewer: caller, keysVersion: version })
      }
      return caller
    },
    recall(authorization) {
      if (authorization === null) return null
      const token = authorization.startsWith(USUAL_SCHEME)
        ? authorization.slice(USUAL_SCHEME.length).trim()
        : tokenIn(authorization)
      const known = token === null ? undefined : callers.get(token)
      if (token === null || known === undefined) return null
      const { viewer } = known
      const lapsed = viewer.expiresAt !== null && viewer.expiresAt <= now()
      if (!lapsed && known.keysVersion === keysVersion()) return viewer
      callers.delete(token)
      return null
    },
  }
}
