/** Signs playback tokens with a signing key of Stream, without a request to Stream. */
import { SignJWT, importJWK } from 'jose'
import type { PlaybackTokenParams } from '../uploads/ports/stream-api.ts'

/** A signing key of Stream: `id` and `jwk` of `POST /stream/keys`. */
export interface SigningKey {
  readonly id: string
  readonly jwk: RsaPrivateJwk
}

/** RSA private key as a JWK. https://www.rfc-editor.org/rfc/rfc7518#section-6.3 */
export type RsaPrivateJwk = { readonly kty: 'RSA' } & Readonly<
  Record<'n' | 'e' | 'd' | 'p' | 'q' | 'dp' | 'dq' | 'qi', string>
>

export type SignPlaybackToken = (params: PlaybackTokenParams, now: Date) => Promise<string>

/** How far Stream's clock may be behind this one, in seconds: a token is valid that much earlier than now. */
export const CLOCK_SKEW_SECONDS = 60

/** Imports the key once. Rejects if the values are not those of an RSA key; the error contains none of them. */
export async function createPlaybackSigner({ id, jwk }: SigningKey): Promise<SignPlaybackToken> {
  const key = await importJWK(jwk, 'RS256').catch(() => {
    throw new Error(
      'STREAM_SIGNING_KEY_JWK is not a usable RSA private key. Create another signing key.',
    )
  })
  return ({ uid, expiresAt, downloadable }, now) =>
    new SignJWT({ kid: id, ...(downloadable ? { downloadable } : {}) })
      .setProtectedHeader({ alg: 'RS256', kid: id })
      .setSubject(uid)
      .setNotBefore(secondsOf(now) - CLOCK_SKEW_SECONDS)
      .setExpirationTime(secondsOf(expiresAt))
      .sign(key)
}

function secondsOf(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
