/**
 * Whether machines other than this one can reach the emulator, and the token that follows from it. A
 * token that everybody knows is good enough only where nobody else can send it.
 */
import { randomBytes } from 'node:crypto'

/** The token of an emulator that only this machine can reach, unless another is given. */
const WELL_KNOWN_TOKEN = 'local-token'

/** Addresses and names to listen at, by which only this machine is reached. */
const LOOPBACK = /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/i
/** The same as hostnames of URLs. https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
const LOCAL_HOSTNAME = /^(?:localhost|.+\.localhost|\[::1\]|127(?:\.\d{1,3}){3})$/i

/** Whether a listener at this host can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host)
}

/**
 * Whether other machines can reach a listener at this host, or are told that they can. Throws a
 * TypeError where the public URL is none.
 * @param publicUrl how clients reach it; null where that follows from the host
 */
export function isReachableByOthers(host: string, publicUrl: string | null): boolean {
  if (!isLoopback(host)) return true
  return publicUrl !== null && !LOCAL_HOSTNAME.test(new URL(publicUrl).hostname)
}

/**
 * The token of the API: the given one, else one that is random for each start where others can reach
 * the emulator, else the well-known one. Throws where others can, and the given one is the well-known one or
 * empty.
 */
export function chooseToken(given: string | undefined, reachableByOthers: boolean): string {
  if (!reachableByOthers) return given ?? WELL_KNOWN_TOKEN
  if (given === WELL_KNOWN_TOKEN || given === '') {
    throw new Error(
      `Other machines can reach this emulator, and everybody knows the token "${given}". Give it another token, or leave the token out for a random one.`,
    )
  }
  return given ?? randomBytes(32).toString('hex')
}
