/** Remembers who a token belongs to, so that it is verified once and not with each request. */
import type { Viewer } from '../uploads/viewer.ts'
import { type Authenticate, isViewer, tokenIn } from './authenticate.ts'

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
  const callers = new Map<string, Remembered>()
  let characters = 0

  function forget(token: string): void {
    if (callers.delete(token)) characters -= token.length
  }

  function remember(token: string, caller: Remembered): void {
    forget(token)
    callers.set(token, caller)
    characters += token.length
    for (const leastRecent of callers.keys()) {
      if (characters <= MOST_CHARACTERS) return
      forget(leastRecent)
    }
  }

  /** Who was remembered by it, and is from now on the one who came last. */
  function find(token: string): Remembered | null {
    const known = callers.get(token)
    if (known === undefined) return null
    callers.delete(token)
    callers.set(token, known)
    return known
  }

  return {
    async authenticate(authorization) {
      const version = keysVersion()
      const caller = await authenticate(authorization)
      const token = authorization === null ? null : tokenIn(authorization)
      if (token !== null && token.length <= LONGEST_TOKEN && isViewer(caller)) {
        // Keys that changed meanwhile may not be those that verified it.
        const unchanged = version !== null && version === keysVersion()
        if (unchanged) remember(token, { viewer: caller, keysVersion: version })
      }
      return caller
    },
    recall(authorization) {
      if (authorization === null) return null
      const token = authorization.startsWith(USUAL_SCHEME)
        ? authorization.slice(USUAL_SCHEME.length).trim()
        : tokenIn(authorization)
      const known = token === null ? null : find(token)
      if (token === null || known === null) return null
      const { viewer } = known
      const lapsed = viewer.expiresAt !== null && viewer.expiresAt <= now()
      if (!lapsed && known.keysVersion === keysVersion()) return viewer
      forget(token)
      return null
    },
  }
}
