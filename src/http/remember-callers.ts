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
  /** After how many others it was put at the end. */
  readonly put: number
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
  /** How many were put at the end until now. */
  let puts = 0

  function forget(token: string): void {
    if (callers.delete(token)) characters -= token.length
  }

  function put(token: string, caller: Omit<Remembered, 'put'>): void {
    puts += 1
    callers.set(token, { ...caller, put: puts })
  }

  function remember(token: string, caller: Omit<Remembered, 'put'>): void {
    forget(token)
    put(token, caller)
    characters += token.length
    for (const leastRecent of callers.keys()) {
      if (characters <= MOST_CHARACTERS) return
      forget(leastRecent)
    }
  }

  /**
   * Who was remembered by it. It stands among those who came last from now on: whoever does already stays
   * where it is, for to put each request's at the very end takes longer than all the rest.
   */
  function find(token: string): Remembered | null {
    const known = callers.get(token)
    if (known === undefined) return null
    if (puts - known.put > callers.size / 2) {
      callers.delete(token)
      put(token, known)
    }
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
