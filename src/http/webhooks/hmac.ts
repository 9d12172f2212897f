/** Whether somebody with the secret has signed some bytes, by HMAC-SHA256. */

/**
 * The part of verifying that a host may do by its own means. It compares in constant time: how long
 * it takes tells nothing about how much of a digest was right.
 * @param secret never empty: that would be one that everybody knows
 * @param digest 32 bytes
 */
export type IsSigned = (
  secret: string,
  source: Uint8Array<ArrayBuffer>,
  digest: Uint8Array<ArrayBuffer>,
) => boolean | Promise<boolean>

/** Secrets whose keys are kept: one, and another while it is rotated; then the oldest goes. */
const MOST_KEYS = 8

/** By Web Crypto, which is everywhere; a secret's key is made once and kept. */
export function createIsSigned(): IsSigned {
  const keys = new Map<string, Promise<CryptoKey>>()

  function keyOf(secret: string): Promise<CryptoKey> {
    const known = keys.get(secret)
    if (known !== undefined) return known
    const [oldest] = keys.keys()
    if (oldest !== undefined && keys.size >= MOST_KEYS) keys.delete(oldest)
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    const bytes = new TextEncoder().encode(secret)
    const key = crypto.subtle.importKey('raw', bytes, algorithm, false, ['verify'])
    keys.set(secret, key)
    return key
  }

  // `verify` compares in constant time.
  return async (secret, source, digest) =>
    crypto.subtle.verify('HMAC', await keyOf(secret), digest, source)
}
