/**
 * Verifies playback tokens, which take the place of a uid in playback URLs.
 * https://developers.cloudflare.com/stream/viewing-videos/securing-your-stream/
 */
import { compactVerify, decodeProtectedHeader, errors } from 'jose'
import { LRUCache } from 'lru-cache'

import type { Clock } from '../clock.ts'
import {
  EXPIRY_SLACK_MS,
  MAX_CACHED_TOKEN_CHARACTERS,
  MAX_TOKEN_CHARACTERS,
  MAX_TOKEN_LIFETIME_MS,
} from '../limits.ts'
import type { SigningKeys } from '../state/signing-keys.ts'
import {
  claimsSchema,
  compileAccessRules,
  type AllowsClient,
  type PlaybackClient,
} from './token-claims.ts'

/** A token with a valid signature. */
interface PlaybackToken {
  readonly kind: 'valid'
  readonly uid: string
  readonly keyId: string
  /** Seconds since 1970. */
  readonly expires: number
  /** Seconds since 1970; 0 without `nbf`. */
  readonly notBefore: number
  readonly downloadable: boolean
  readonly allowsClient: AllowsClient
}

/** Why a token is rejected. */
interface InvalidToken {
  readonly kind: 'invalid'
  /** The end of a sentence about "it", the token. */
  readonly reason: string
}

const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/

export class PlaybackTokens {
  readonly #keys: SigningKeys
  readonly #clock: Clock
  /** Tokens with a valid signature, which never changes. Each use checks the other conditions. */
  readonly #verified = new LRUCache<string, PlaybackToken>({
    maxSize: MAX_CACHED_TOKEN_CHARACTERS,
    sizeCalculation: (_token, text) => text.length,
  })

  constructor(keys: SigningKeys, clock: Clock) {
    this.#keys = keys
    this.#clock = clock
  }

  /** Checks signature, key, times and access rules. The caller checks the video and `downloadable`. */
  async verify(text: string, client: PlaybackClient): Promise<PlaybackToken | InvalidToken> {
    if (text.length > MAX_TOKEN_CHARACTERS) {
      return invalid(`it is longer than ${MAX_TOKEN_CHARACTERS} characters`)
    }
    if (!TOKEN.test(text)) return invalid('it is not a signed JWT')
    const token = this.#verified.get(text) ?? (await this.#verifySignature(text))
    if (token.kind === 'invalid') return token
    if (!this.#keys.has(token.keyId)) return invalid('its key does not exist')
    const now = this.#clock.now()
    if (now >= token.expires * 1000) return invalid('it has expired')
    if (now < token.notBefore * 1000) return invalid('it is not valid yet')
    if (token.expires * 1000 > now + MAX_TOKEN_LIFETIME_MS + EXPIRY_SLACK_MS) {
      return invalid('exp is more than 24 hours ahead')
    }
    if (!token.allowsClient(client)) return invalid('its access rules block this client')
    return token
  }

  async #verifySignature(text: string): Promise<PlaybackToken | InvalidToken> {
    const kid = keyIdOf(text)
    if (kid === null) return invalid('its header needs the members alg and kid')
    const key = this.#keys.findPublicKey(kid)
    if (key === null) return invalid('its key does not exist')
    const payload = await payloadOf(compactVerify(text, key, { algorithms: ['RS256'] }))
    if (payload === null) return invalid('its signature is not RS256 of its key')
    const claims = claimsSchema.safeParse(parseJson(payload))
    if (!claims.success) {
      const [issue] = claims.error.issues
      return invalid(`its claims are not valid: ${issue?.path.join('.') ?? ''}`)
    }
    const { sub, exp, nbf = 0, downloadable = false, accessRules = [] } = claims.data
    if (claims.data.kid !== kid) return invalid('its claim kid is not the kid of its header')
    const token: PlaybackToken = {
      kind: 'valid',
      uid: sub,
      keyId: kid,
      expires: exp,
      notBefore: nbf,
      downloadable,
      allowsClient: compileAccessRules(accessRules),
    }
    this.#verified.set(text, token)
    return token
  }
}

function invalid(reason: string): InvalidToken {
  return { kind: 'invalid', reason }
}

/** Returns the `kid` of a token's header; null for anything else. */
function keyIdOf(text: string): string | null {
  try {
    const { kid }: Readonly<Record<string, unknown>> = decodeProtectedHeader(text)
    return typeof kid === 'string' ? kid : null
  } catch {
    return null
  }
}

/** Returns null if the signature is invalid or of another algorithm. */
async function payloadOf(
  verification: ReturnType<typeof compactVerify>,
): Promise<Uint8Array | null> {
  try {
    return (await verification).payload
  } catch (error) {
    if (error instanceof errors.JOSEError) return null
    throw error
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return null
  }
}
