/** HMAC-SHA256 verification. */

/**
 * Returns whether `digest` is the HMAC of `source`. Implementations must compare in constant time.
 * @param secret not empty: the caller must skip empty secrets
 * @param digest 32 bytes
 */
export type VerifyHmac = (
  secret: string,
  source: Uint8Array<ArrayBuffer>,
  digest: Uint8Array<ArrayBuffer>,
) => boolean | Promise<boolean>

/** Maximum number of cached keys; the oldest is evicted. Two are used while a secret is rotated. */
const MAX_CACHED_KEYS = 8

/** Verifies with Web Crypto, which all hosts have. Imported keys are cached. */
export function createWebCryptoHmac(): VerifyHmac {
  const keys = new Map<string, Promise<CryptoKey>>()

  function importKey(secret: string): Promise<CryptoKey> {
    const cached = keys.get(secret)
    if (cached !== undefined) return cached
    const [oldest] = keys.keys()
    if (oldest !== undefined && keys.size >= MAX_CACHED_KEYS) keys.delete(oldest)
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    const bytes = new TextEncoder().encode(secret)
    const key = crypto.subtle.importKey('raw', bytes, algorithm, false, ['verify'])
    keys.set(secret, key)
    return key
  }

  // `verify` compares in constant time.
  return async (secret, source, digest) =>
    crypto.subtle.verify('HMAC', await importKey(secret), digest, source)
}
