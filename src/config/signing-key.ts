/** Reads the signing key for playback tokens. */
import { isRecord } from '../shared/json.ts'
import type { RsaPrivateJwk, SigningKey } from '../stream/playback-signer.ts'
import type { EnvironmentReader } from './environment-reader.ts'

/** Characters of a modulus of 2048 bits in base64url: the minimum of RS256. */
const MIN_MODULUS_CHARACTERS = 342
const OTHERWISE = 'Set both, or neither to request playback tokens from Stream.'

/** Returns the key; null if it is not configured, incomplete or invalid. Messages contain no part of the key. */
export function readSigningKey(variables: EnvironmentReader): SigningKey | null {
  const hasId = variables.isSet('STREAM_SIGNING_KEY_ID')
  const hasJwk = variables.isSet('STREAM_SIGNING_KEY_JWK')
  const id = readKeyId(variables)
  const jwk = readJwk(variables, id)
  if (hasId && !hasJwk) {
    variables.addError(
      'STREAM_SIGNING_KEY_JWK',
      `is missing, but STREAM_SIGNING_KEY_ID is set. ${OTHERWISE}`,
    )
  }
  if (hasJwk && !hasId) {
    variables.addError(
      'STREAM_SIGNING_KEY_ID',
      `is missing, but STREAM_SIGNING_KEY_JWK is set. ${OTHERWISE}`,
    )
  }
  return id === null || jwk === null ? null : { id, jwk }
}

function readKeyId(variables: EnvironmentReader): string | null {
  const id = variables.text('STREAM_SIGNING_KEY_ID')
  if (id === null || /^[\w-]{1,64}$/.test(id)) return id
  return variables.addError(
    'STREAM_SIGNING_KEY_ID',
    'must be the `id` of a signing key: at most 64 letters, digits, hyphens and underscores.',
  )
}

function readJwk(variables: EnvironmentReader, id: string | null): RsaPrivateJwk | null {
  const encoded = variables.secret('STREAM_SIGNING_KEY_JWK')
  if (encoded === null) return null
  const json = parseBase64Json(encoded)
  if (!isRecord(json)) {
    return variables.addError(
      'STREAM_SIGNING_KEY_JWK',
      'must be the `jwk` of a signing key exactly as Stream returned it: a JSON object in base64.',
    )
  }
  if (id !== null && typeof json['kid'] === 'string' && json['kid'] !== id) {
    variables.addError(
      'STREAM_SIGNING_KEY_ID',
      'is not the id of the key in STREAM_SIGNING_KEY_JWK. Set both from the same signing key.',
    )
  }
  const jwk = rsaPrivateJwk(json)
  if (jwk !== null && jwk.n.length >= MIN_MODULUS_CHARACTERS) return jwk
  return variables.addError(
    'STREAM_SIGNING_KEY_JWK',
    'must be an RSA private key of at least 2048 bits, with n, e, d, p, q, dp, dq and qi.',
  )
}

/** Returns undefined if the text is not JSON in base64. */
function parseBase64Json(encoded: string): unknown {
  try {
    return JSON.parse(atob(encoded))
  } catch {
    return undefined
  }
}

/** Keeps the numbers of the key only: its `use` and `key_ops` would limit the import. */
function rsaPrivateJwk(json: Readonly<Record<string, unknown>>): RsaPrivateJwk | null {
  const { kty, n, e, d, p, q, dp, dq, qi } = json
  const isRsa =
    kty === 'RSA' &&
    isNumber(n) &&
    isNumber(e) &&
    isNumber(d) &&
    isNumber(p) &&
    isNumber(q) &&
    isNumber(dp) &&
    isNumber(dq) &&
    isNumber(qi)
  return isRsa ? { kty, n, e, d, p, q, dp, dq, qi } : null
}

/** Whether the value is a number in base64url, as JWKs encode it. */
function isNumber(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]+$/.test(value)
}
