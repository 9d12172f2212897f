/** Verifies bearer JWTs, for every endpoint. https://www.rfc-editor.org/rfc/rfc8725 */
import { type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { CREATOR_RULE, isValidCreator } from '../../uploads/limits.ts'
import type { Viewer } from '../../uploads/viewer.ts'
import type { Logger } from '../../shared/logger.ts'
import { readCallerClaims } from './caller-claims.ts'
import { type Jwks, JwksUnavailable } from './jwks.ts'
import {
  INVALID_HEADER,
  OTHER_ALGORITHM,
  type TokenRejection,
  tokenRejectionOf,
} from './token-rejection.ts'

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
const PLAY_SCOPE = 'videos:play'

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
  log: Logger,
): Authenticate {
  const { secret } = rules
  const claims: JWTVerifyOptions = {
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ['sub', 'exp'],
    ...(rules.issuer === null ? {} : { issuer: rules.issuer }),
    ...(rules.audience === null ? {} : { audience: rules.audience }),
  }

  async function verify(token: string): Promise<Verification> {
    const options = { ...claims, currentDate: now() }
    // The token must not choose the algorithm: with HS256, a public key of the JWKS would serve as the secret.
    if (secret !== null) {
      const verified = await outcomeOf(
        jwtVerify(token, secret, { ...options, algorithms: ['HS256'] }),
      )
      const isDecided = !('reason' in verified) || verified.reason !== OTHER_ALGORITHM
      if (isDecided || jwks === null) return verified
    }
    if (jwks === null) throw new Error('Neither a secret nor a JWKS is configured.')
    return outcomeOf(jwks.verify(token, { ...options, algorithms: ['RS256', 'ES256', 'EdDSA'] }))
  }

  function reject({ reason, message }: TokenRejection): AuthFailure {
    log.info({ reason }, 'token rejected')
    return { kind: 'unauthenticated', message }
  }

  return async (authorization) => {
    if (authorization === null)
      return { kind: 'unauthenticated', message: 'Missing token. Send `Authorization: Bearer …`.' }
    const token = bearerTokenIn(authorization)
    if (token === null) return reject(INVALID_HEADER)
    const verified = await verify(token)
    if ('reason' in verified) return reject(verified)
    if ('kind' in verified) return verified
    const viewer = viewerFrom(verified.payload)
    return 'reason' in viewer ? reject(viewer) : viewer
  }
}

type Verification = { readonly payload: JWTPayload } | TokenRejection | AuthFailure

const UNAVAILABLE: AuthFailure = {
  kind: 'unavailable',
  message: 'Tokens cannot be verified: the key set is unavailable. Retry later.',
}

const INVALID_CLAIMS: TokenRejection = {
  reason: 'claims',
  message: `The token's \`sub\` ${CREATOR_RULE} Its \`exp\` must be a date in seconds.`,
}

/** Other errors of jose count as an invalid token, so that no caller can cause a 500. */
async function outcomeOf(
  verification: Promise<{ readonly payload: JWTPayload }>,
): Promise<Verification> {
  try {
    const { payload } = await verification
    return { payload }
  } catch (error) {
    return error instanceof JwksUnavailable ? UNAVAILABLE : tokenRejectionOf(error)
  }
}

function viewerFrom(payload: JWTPayload): Viewer | TokenRejection {
  const { sub, exp } = payload
  const scope = payload['scope']
  // jose does not check that `sub` is a string.
  const subject: unknown = sub
  if (typeof subject !== 'string' || !isValidCreator(subject)) return INVALID_CLAIMS
  const expiresAt = new Date((exp ?? NaN) * 1000)
  if (Number.isNaN(expiresAt.getTime())) return INVALID_CLAIMS
  const limits = readCallerClaims(payload)
  if (limits !== null && 'reason' in limits) return limits
  const scopes = typeof scope === 'string' ? scope.split(' ') : []
  return {
    subject,
    isAdmin: scopes.includes(ADMIN_SCOPE),
    canPlayAll: scopes.includes(PLAY_SCOPE),
    limits,
    expiresAt,
  }
}
