/**
 * Determines whether other machines can reach the emulator, and chooses its API token accordingly. The
 * well-known token is secure only if no other machine can send requests.
 */
import { randomBytes } from 'node:crypto'

/** Default token of an emulator that only this machine can reach. */
const WELL_KNOWN_TOKEN = 'local-token'

/** Listen addresses and names that only this machine can reach. */
const LOOPBACK = /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/i
/** Hostnames in URLs that only this machine can reach. https://www.rfc-editor.org/rfc/rfc6761#section-6.3 */
const LOCAL_HOSTNAME = /^(?:localhost|.+\.localhost|\[::1\]|127(?:\.\d{1,3}){3})$/i

/** Returns whether only this machine can reach a server that listens on `host`. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host)
}

/**
 * Returns whether other machines can reach a server that listens on `host`, directly or through its
 * public URL. Throws a TypeError if the public URL is invalid.
 * @param publicUrl base URL for clients; null if it is derived from the host
 */
export function isReachableByOthers(host: string, publicUrl: string | null): boolean {
  if (!isLoopback(host)) return true
  return publicUrl !== null && !LOCAL_HOSTNAME.test(new URL(publicUrl).hostname)
}

/**
 * Returns the API token. Without a configured token, it is random if other machines can reach the emulator,
 * and well-known otherwise. Throws if other machines can reach the emulator and the configured token is empty
 * or well-known.
 */
export function chooseToken(configured: string | undefined, reachableByOthers: boolean): string {
  if (!reachableByOthers) return configured ?? WELL_KNOWN_TOKEN
  if (configured === WELL_KNOWN_TOKEN || configured === '') {
    throw new Error(
      `Other machines can reach this emulator, and the token "${configured}" is public. Set another token, or omit it for a random one.`,
    )
  }
  return configured ?? randomBytes(32).toString('hex')
}
