/**
 * Signatures of Standard Webhooks, scheme v1: HMAC-SHA256 over `id.timestamp.body`, by Web Crypto, which all hosts
 * have. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

/** The three headers that a receiver verifies. */
export interface SignedHeaders {
  /** The same for every attempt and every target. */
  readonly 'webhook-id': string
  /** Time of the attempt, in whole seconds since 1970. */
  readonly 'webhook-timestamp': string
  /** `v1,` and the signature in base64; one for each secret, separated by spaces. */
  readonly 'webhook-signature': string
}

/** What one signature covers. */
export interface SignedContent {
  readonly id: string
  readonly timestamp: string
  readonly body: Uint8Array | string
}

export type SignCallback = (id: string, at: Date, body: string) => Promise<SignedHeaders>

/** The rule for secrets, as the end of a sentence. */
export const SECRET_RULE = '`whsec_` and 24 to 64 random bytes in base64'

const PREFIX = 'whsec_'
const MIN_SECRET_BYTES = 24
const MAX_SECRET_BYTES = 64
const HMAC = { name: 'HMAC', hash: 'SHA-256' }
const utf8 = new TextEncoder()

/** Returns the bytes of a secret; null unless it is `whsec_` and 24 to 64 bytes in base64. */
export function parseSecret(secret: string): Uint8Array<ArrayBuffer> | null {
  const encoded = secret.slice(PREFIX.length)
  if (!secret.startsWith(PREFIX) || !/^[\w+/-]+={0,2}$/.test(encoded)) return null
  const bytes = decodeBase64(encoded.replaceAll('-', '+').replaceAll('_', '/'))
  const fits =
    bytes !== null && bytes.length >= MIN_SECRET_BYTES && bytes.length <= MAX_SECRET_BYTES
  return fits ? bytes : null
}

/** Returns the HMAC-SHA256 of a text in UTF-8, in base64. */
export type Hmac = (text: string) => string | Promise<string>

/**
 * Returns a function that signs with each of the secrets.
 * @param secrets valid secrets; throws for others
 * @param createHmac creates the HMAC of a key. Default: by Web Crypto
 */
export function createCallbackSigner(
  secrets: readonly string[],
  createHmac: (key: Uint8Array<ArrayBuffer>) => Hmac = createWebCryptoHmac,
): SignCallback {
  const hmacs = secrets.map((secret) => createHmac(keyOf(secret)))

  return async (id, at, body) => {
    const timestamp = String(Math.floor(at.getTime() / 1000))
    const content = `${id}.${timestamp}.${body}`
    const signatures: string[] = []
    for (const hmac of hmacs) signatures.push(`v1,${await hmac(content)}`)
    return {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatures.join(' '),
    }
  }
}

function createWebCryptoHmac(bytes: Uint8Array<ArrayBuffer>): Hmac {
  /** The key and not a promise: on Workers a promise may never settle after its request was canceled. */
  let key: CryptoKey | null = null
  return async (text) => {
    key ??= await importKey(bytes)
    const digest = await crypto.subtle.sign('HMAC', key, utf8.encode(text))
    return encodeBase64(new Uint8Array(digest))
  }
}

/**
 * Whether one of the signatures in the header is that of the content, by one of the secrets. Compares in constant
 * time; ignores signatures of other schemes.
 */
export async function isSigned(
  header: string,
  content: SignedContent,
  secrets: readonly string[],
): Promise<boolean> {
  const digests = header.split(' ').flatMap((signature) => {
    const digest = signature.startsWith('v1,') ? decodeBase64(signature.slice(3)) : null
    return digest === null ? [] : [digest]
  })
  const bytes = signedBytes(content)
  for (const secret of secrets) {
    const key = await importKey(keyOf(secret))
    for (const digest of digests) {
      if (await crypto.subtle.verify('HMAC', key, digest, bytes)) return true
    }
  }
  return false
}

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  const bytes = parseSecret(secret)
  if (bytes === null) throw new TypeError(`A secret of callbacks must be ${SECRET_RULE}.`)
  return bytes
}

function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytes, HMAC, false, ['sign', 'verify'])
}

function signedBytes({ id, timestamp, body }: SignedContent): Uint8Array<ArrayBuffer> {
  const prefix = utf8.encode(`${id}.${timestamp}.`)
  const text = typeof body === 'string' ? utf8.encode(body) : body
  const bytes = new Uint8Array(prefix.length + text.length)
  bytes.set(prefix)
  bytes.set(text, prefix.length)
  return bytes
}

/** Returns null if the text is not base64. */
function decodeBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return null
  }
}

function encodeBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}
