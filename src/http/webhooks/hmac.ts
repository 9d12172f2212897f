/** HMAC-SHA256 verification with Web Crypto, which all hosts have. */

/** Maximum number of cached keys; the oldest is evicted. Two are used while a secret is rotated. */
const MAX_CACHED_KEYS = 8

/** Keys and not promises: on Workers a promise may never settle after its request was canceled. */
const keys = new Map<string, CryptoKey>()

/**
 * Returns whether `digest` is the HMAC of `source`; compares in constant time.
 * @param secret not empty: the caller must skip empty secrets
 * @param digest 32 bytes
 */
export async function verifyHmac(
  secret: string,
  source: Uint8Array<ArrayBuffer>,
  digest: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  return crypto.subtle.verify('HMAC', keys.get(secret) ?? (await importKey(secret)), digest, source)
}

async function importKey(secret: string): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret)
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', bytes, algorithm, false, ['verify'])
  const [oldest] = keys.keys()
  if (oldest !== undefined && keys.size >= MAX_CACHED_KEYS) keys.delete(oldest)
  keys.set(secret, key)
  return key
}
