/** Signing keys and playback tokens of an emulator, and tokens signed by other hands. */
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

import { CompactSign, importJWK, SignJWT } from 'jose'
import { z } from 'zod'

import type { StreamClient } from './stream-client.ts'

/** A response of POST /keys. */
export const keySchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  pem: z.base64(),
  jwk: z.base64(),
  created: z.iso.datetime(),
})
/** Claims of a token, of any type. */
export type Claims = Readonly<Record<string, unknown>>
export type ApiKey = z.infer<typeof keySchema>

const jwkSchema = z.record(z.string(), z.string())

export const decodeBase64 = (text: string) => Buffer.from(text, 'base64').toString('utf8')
const base64url = (text: string) => Buffer.from(text).toString('base64url')

export async function createApiKey(stream: StreamClient): Promise<ApiKey> {
  return keySchema.parse((await stream.call('POST', '/keys')).result)
}

/** The JWK of a key, as an application reads it. */
export function jwkOf(key: ApiKey): Record<string, string> {
  return jwkSchema.parse(JSON.parse(decodeBase64(key.jwk)))
}

/** Signs as an application with the key's `jwk` does. */
export async function sign(
  key: ApiKey,
  claims: Claims,
  header: Readonly<Record<string, unknown>> = { kid: key.id },
): Promise<string> {
  return signText(key, JSON.stringify({ kid: key.id, ...claims }), header)
}

/** Signs any text. */
export async function signText(
  key: ApiKey,
  text: string,
  header: Readonly<Record<string, unknown>> = { kid: key.id },
): Promise<string> {
  return new CompactSign(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: 'RS256', ...header })
    .sign(await importJWK(jwkOf(key), 'RS256'))
}

/** Signs with a private key that the emulator does not know. */
export async function signForged(kid: string, claims: Claims): Promise<string> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return new SignJWT({ kid, ...claims }).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey)
}

export function unsigned(kid: string, claims: Claims): string {
  return `${base64url(JSON.stringify({ alg: 'none', kid }))}.${base64url(JSON.stringify(claims))}.`
}

/** Uses the public key, which anyone may know, as the secret of HS256. */
export function signWithPublicKey(key: ApiKey, claims: Claims): string {
  const publicKey: KeyObject = createPublicKey(decodeBase64(key.pem))
  const header = base64url(JSON.stringify({ alg: 'HS256', kid: key.id }))
  const text = `${header}.${base64url(JSON.stringify(claims))}`
  const secret = publicKey.export({ type: 'spki', format: 'pem' })
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

const tokenSchema = z.strictObject({ token: z.string() })

/** Has the emulator sign a token. */
export async function requestToken(
  stream: StreamClient,
  uid: string,
  body?: object,
): Promise<string> {
  return tokenSchema.parse((await stream.call('POST', `/${uid}/token`, body)).result).token
}
