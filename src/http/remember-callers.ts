/** Remembers who a token belongs to, so that it is verified once and not with each request. */
import type { Viewer } from '../uploads/viewer.ts'
import { type Authenticate, isViewer } from './authenticate.ts'

/** Characters of all remembered tokens together: some thousands of callers. */
const MOST_CHARACTERS = 2_000_000

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

  function forget(authorization: string): void {
    if (callers.delete(authorization)) characters -= authorization.length
  }

  function remember(authorization: string, caller: Remembered): void {
    forget(authorization)
    callers.set(authorization, caller)
    characters += authorization.length
    for (const oldest of callers.keys()) {
      if (characters <= MOST_CHARACTERS) return
      forget(oldest)
    }
  }

  return {
    async authenticate(authorization) {
      const version = keysVersion()
      const caller = await authenticate(authorization)
      if (authorization !== null && isViewer(caller)) {
        // Keys that changed meanwhile may not be those that verified it.
        const unchanged = version !== null && version === keysVersion()
        if (unchanged) remember(authorization, { viewer: caller, keysVersion: version })
      }
      return caller
    },
    recall(authorization) {
      if (authorization === null) return null
      const known = callers.get(authorization)
      if (known === undefined) return null
      const { viewer } = known
      const lapsed = viewer.expiresAt !== null && viewer.expiresAt <= now()
      if (!lapsed && known.keysVersion === keysVersion()) return viewer
      forget(authorization)
      return null
    },
  }
}
