/**
 * Why a token is rejected, for its caller and for the log. The signature is verified before the claims, so
 * only the holder of a token that the issuer signed reads more than that the signature is invalid. Values that
 * the gateway expects, such as its issuer, are not named.
 */
import { errors } from 'jose'

export interface TokenRejection {
  /** For the log, such as `expired` or `claim iss`. */
  readonly reason: string
  readonly message: string
}

export const INVALID_HEADER: TokenRejection = {
  reason: 'no bearer token',
  message: 'Invalid Authorization header. It must be `Bearer` and a JWT.',
}

const SIGNATURE: TokenRejection = {
  reason: 'signature',
  message: "The token's signature is invalid: another key signed it, or it was changed.",
}

/** Reason of a token that another kind of key may verify. */
export const OTHER_ALGORITHM = 'algorithm'

const MALFORMED: TokenRejection = {
  reason: 'malformed',
  message: 'The token is not a valid JWT.',
}

const MESSAGES_BY_CLAIM: Readonly<Record<string, string>> = {
  iss: "The token's `iss` is not the issuer that this gateway accepts.",
  aud: "The token's `aud` does not contain this gateway's audience.",
  nbf: 'The token is not valid yet: its `nbf` is in the future.',
}

/** Returns the rejection for an error of jose's `jwtVerify`. Its other errors count as an invalid token. */
export function tokenRejectionOf(error: unknown): TokenRejection {
  if (error instanceof errors.JWTExpired)
    return { reason: 'expired', message: 'The token has expired. Get a new token.' }
  if (error instanceof errors.JWTClaimValidationFailed) return claimRejection(error)
  if (error instanceof errors.JWSSignatureVerificationFailed) return SIGNATURE
  if (isUnknownKey(error))
    return { reason: 'unknown key', message: 'The token was signed with a key that is unknown.' }
  if (error instanceof errors.JOSEAlgNotAllowed)
    return {
      reason: OTHER_ALGORITHM,
      message: 'The token is signed with an algorithm that this gateway does not accept.',
    }
  if (error instanceof errors.JOSEError || !(error instanceof Error) || error.cause === undefined)
    return MALFORMED
  return tokenRejectionOf(error.cause)
}

/** True if the key set decides nothing about the signature. */
function isUnknownKey(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys
  )
}

function claimRejection({ claim, reason }: errors.JWTClaimValidationFailed): TokenRejection {
  if (reason === 'missing')
    return { reason: `no ${claim}`, message: `The token lacks \`${claim}\`. Get a new token.` }
  return {
    reason: `claim ${claim}`,
    message: MESSAGES_BY_CLAIM[claim] ?? `The token's \`${claim}\` is invalid.`,
  }
}
