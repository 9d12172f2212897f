/** Verifies bearer JWTs, for every endpoint. https://www.rfc-editor.org/rfc/rfc8725 */
import { type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { CREATOR_RULE, isValidCreator } from '../../uploads/limits.ts'
import type { Viewer } from '../../uploads/viewer.ts'
import { type Jwks, JwksUnavailable } from './jwks.ts'

/** How callers authenticate. */
export type AuthConfig =
  /** Every caller is the administrator `local`. For the emulator on a developer's machine. */
  | { readonly kind: 'disabled' }
  | {
      readonly kind: 'jwt'
      /** HS256 secret of at least 32 bytes; null if only keys of `jwksURL` are accepted. */
      readonly secret: Uint8Array | null
      /** JWKS of an identity provider (RS256, ES256, EdDSA); null if there is none. */
      readonly jwksURL: URL | null
      /** `iss` and `aud` are checked if not null. */
      readonly issuer: string | null
      readonly audience: string | null
    }

/** Why a caller is rejected. `message` may be shown to the caller. */
export interface AuthFailure {
  /** `unavailable`: the JWKS cannot be fetched, so the token may be valid. */
  readonly kind: 'unauthenticated' | 'unavailable'
  readonly message: string
}

/** Verifies the value of the Authorization header. Null: the header is missing. */
export type Authenticate = (authorization: string | null) => Promise<Viewer | AuthFailure>

const ADMIN_SCOPE = 'uploads:admin'

/** Allowed difference between the clocks of the identity provider and the gateway, in seconds. */
const CLOCK_TOLERANCE_SECONDS = 5

export function isViewer(caller: Viewer | AuthFailure): caller is Viewer {
  return 'subject' in caller
}

/** Returns the JWT of an Authorization header; null for any other value. */
export function bearerTokenIn(authorization: string): string | null {
  const [, token] = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization.trim()) ?? []
  return token ?? null
}

/** @param jwks the keys at `rules.jwksURL`; null if it is null */
export function createAuthenticate(
  rules: Extract<AuthConfig, { kind: 'jwt' }>,
  jwks: Jwks | null,
  now: () => Date,
): Authenticate {
  const { secret } = rules
  const claims: JWTVerifyOptions = {
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ['sub', 'exp'],
    ...(rules.issuer === null ? {} : { issuer: rules.issuer }),
    ...(rules.audience === null ? {} : { audience: rules.audience }),
  }

  async function verify(token: string): Promise<JWTPayload | 'unavailable' | null> {
    const options = { ...claims, currentDate: now() }
    // The token must not choose the algorithm: with HS256, a public key of the JWKS would serve as the secret.
    if (secret !== null) {
      const verified = await verifyOrNull(
        jwtVerify(token, secret, { ...options, algorithms: ['HS256'] }),
      )
      if (verified !== null || jwks === null) return verified
    }
    if (jwks === null) return null
    return verifyOrNull(jwks.verify(token, { ...options, algorithms: ['RS256', 'ES256', 'EdDSA'] }))
  }

  return async (authorization) => {
    if (authorization === null)
      return unauthenticated('Missing token. Send `Authorization: Bearer …`.')
    const token = bearerTokenIn(authorization)
    if (token === null)
      return unauthenticated('Invalid Authorization header. It must be `Bearer` and a JWT.')
    const payload = await verify(token)
    if (payload === 'unavailable') {
      return {
        kind: 'unavailable',
        message: 'Tokens cannot be verified: the key set is unavailable. Retry later.',
      }
    }
    if (payload === null) {
      return unauthenticated(
        'The token is invalid or expired, or lacks `sub` or `exp`. Get a new token.',
      )
    }
    const viewer = viewerFrom(payload)
    return (
      viewer ??
      unauthenticated(`The token's \`sub\` ${CREATOR_RULE} Its \`exp\` must be a date in seconds.`)
    )
  }
}

/**
 * Returns the claims; null if the token is invalid or names an unusable key; `unavailable` if the JWKS is.
 * Other errors of jose count as an invalid token, so that no caller can cause a 500.
 */
async function verifyOrNull(
  verification: Promise<{ readonly payload: JWTPayload }>,
): Promise<JWTPayload | 'unavailable' | null> {
  try {
    return (await verification).payload
  } catch (error) {
    return error instanceof JwksUnavailable ? 'unavailable' : null
  }
}

function viewerFrom(payload: JWTPayload): Viewer | null {
  const { sub, exp } = payload
  const scope = payload['scope']
  // jose does not check that `sub` is a string.
  const subject: unknown = sub
  if (typeof subject !== 'string' || !isValidCreator(subject)) return null
  const expiresAt = new Date((exp ?? NaN) * 1000)
  if (Number.isNaN(expiresAt.getTime())) return null
  const scopes = typeof scope === 'string' ? scope.split(' ') : []
  return {
    subject,
    isAdmin: scopes.includes(ADMIN_SCOPE),
    expiresAt,
  }
}

function unauthenticated(message: string): AuthFailure {
  return { kind: 'unauthenticated', message }
}
