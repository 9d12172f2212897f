/** Who is calling: one function for every door. https://www.rfc-editor.org/rfc/rfc8725 */
import { type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { CREATOR_RULE, isCreator } from '../../uploads/policy.ts'
import type { Viewer } from '../../uploads/viewer.ts'
import { type KeySet, KeysUnavailable } from './jwks.ts'

/** How callers prove who they are. */
export type AuthRules =
  /** Everybody is the administrator `local`: for the emulator on one's own machine. */
  | { readonly kind: 'open' }
  | {
      readonly kind: 'tokens'
      /** HS256 secret of at least 32 bytes; null where tokens are signed by keys of `jwksURL`. */
      readonly secret: Uint8Array | null
      /** Key set of an identity provider (RS256, ES256, EdDSA). */
      readonly jwksURL: URL | null
      /** Checked where not null. */
      readonly issuer: string | null
      readonly audience: string | null
    }

/** Why a caller is not let in; the sentence may be shown. */
export interface Unauthenticated {
  /** `unavailable`: the identity provider's keys cannot be had; the token may well be good. */
  readonly kind: 'unauthenticated' | 'unavailable'
  readonly message: string
}

/** Takes the value of the Authorization header. */
export type Authenticate = (authorization: string | null) => Promise<Viewer | Unauthenticated>

const ADMIN_SCOPE = 'uploads:admin'
/** Seconds by which the clocks of an identity provider and of the gateway may differ. */
const CLOCK_TOLERANCE_SECONDS = 5

export function isViewer(caller: Viewer | Unauthenticated): caller is Viewer {
  return 'subject' in caller
}

/** The JWT in the value of an Authorization header; null where it is anything else. */
export function tokenIn(authorization: string): string | null {
  const [, token] = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization.trim()) ?? []
  return token ?? null
}

/** @param keySet the keys at `rules.jwksURL`; null where there are none */
export function createAuthenticate(
  rules: Extract<AuthRules, { kind: 'tokens' }>,
  keySet: KeySet | null,
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
    // The algorithms are ours to choose, never the token's: a key set's public key is no secret.
    if (secret !== null) {
      const verified = await attempt(
        jwtVerify(token, secret, { ...options, algorithms: ['HS256'] }),
      )
      if (verified !== null || keySet === null) return verified
    }
    if (keySet === null) return null
    return attempt(
      jwtVerify(token, keySet.getKey, { ...options, algorithms: ['RS256', 'ES256', 'EdDSA'] }),
    )
  }

  return async (authorization) => {
    if (authorization === null) return refuse('Send a token: `Authorization: Bearer …`.')
    const token = tokenIn(authorization)
    if (token === null) return refuse('The Authorization header must be `Bearer` and a JWT.')
    const payload = await verify(token)
    if (payload === 'unavailable') {
      return {
        kind: 'unavailable',
        message: 'Tokens cannot be verified right now. Try again soon.',
      }
    }
    if (payload === null) {
      return refuse('The token is not valid (any more), or lacks `sub` or `exp`: get a new one.')
    }
    const viewer = viewerFrom(payload)
    return (
      viewer ?? refuse(`The token's \`sub\` ${CREATOR_RULE} Its \`exp\` must be a date in seconds.`)
    )
  }
}

/**
 * Null where the token is wrong, or names a key that cannot be used: the caller chose it, and an error
 * of the gateway would be the caller's to cause. `unavailable` where the key set cannot be had.
 */
async function attempt(
  verification: Promise<{ readonly payload: JWTPayload }>,
): Promise<JWTPayload | 'unavailable' | null> {
  try {
    return (await verification).payload
  } catch (error) {
    return error instanceof KeysUnavailable ? 'unavailable' : null
  }
}

function viewerFrom(payload: JWTPayload): Viewer | null {
  const { sub, exp } = payload
  const scope = payload['scope']
  // What a token calls a subject may be anything: only text can be a creator.
  const named: unknown = sub
  if (typeof named !== 'string' || !isCreator(named)) return null
  const expiresAt = new Date((exp ?? NaN) * 1000)
  if (Number.isNaN(expiresAt.getTime())) return null
  const scopes = typeof scope === 'string' ? scope.split(' ') : []
  return {
    subject: named,
    isAdmin: scopes.includes(ADMIN_SCOPE),
    expiresAt,
  }
}

function refuse(message: string): Unauthenticated {
  return { kind: 'unauthenticated', message }
}
