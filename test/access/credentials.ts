/** Valid and invalid tokens that a caller may send. */
import { type CryptoKey, SignJWT, UnsecuredJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose'
import { createServer } from 'node:http'
import { TEST_SECRET } from '../kit/gateway.ts'
import { listen } from '../kit/listen.ts'

export const ISSUER = 'https://id.example.com/'
export const AUD = 'headgate'

/** The caller that a credential identifies; selects the expected outcome. */
export type Role = 'unauthenticated' | 'other' | 'viewer' | 'owner' | 'administrator'

export interface Credential {
  readonly name: string
  readonly role: Role
  /** Null when the request has no token. */
  readonly token: string | null
}

/** An identity provider with one key of each algorithm that the gateway accepts. */
export interface Provider {
  readonly jwksURL: string
  readonly credentials: readonly Credential[]
  stop(): Promise<void>
}

const encodeText = (secret: string): Uint8Array => new TextEncoder().encode(secret)
const seconds = (fromNow: number): number => Math.floor(Date.now() / 1000) + fromNow

const VALID_CLAIMS = { sub: 'ada', iss: ISSUER, aud: AUD, exp: seconds(3600) }

async function createPair(alg: 'RS256' | 'ES256' | 'EdDSA') {
  const kid = `key of ${alg}`
  const { publicKey, privateKey } = await generateKeyPair(alg)
  const jwk = Object.assign(await exportJWK(publicKey), { alg, kid })
  return { alg, kid, publicKey, privateKey, jwk }
}

function bySecret(claims: object, secret = TEST_SECRET): Promise<string> {
  return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(encodeText(secret))
}

function byKey(alg: string, kid: string, key: CryptoKey): Promise<string> {
  return new SignJWT({ ...VALID_CLAIMS }).setProtectedHeader({ alg, kid }).sign(key)
}

/** Serves the provider's JWKS and signs all credentials. */
export async function startProvider(): Promise<Provider> {
  const kinds = ['RS256', 'ES256', 'EdDSA'] as const
  const pairs = await Promise.all(kinds.map(createPair))
  const keys = pairs.map(({ jwk }) => jwk)
  const jwks = JSON.stringify({ keys })
  const { origin, close } = await listen(createServer((_request, response) => response.end(jwks)))

  const [rsa] = pairs
  if (rsa === undefined) throw new Error('No key was generated.')
  const unpublishedKey = await generateKeyPair('RS256')
  const validToken = await bySecret(VALID_CLAIMS)
  const credentials: Credential[] = [
    { name: 'no token', role: 'unauthenticated', token: null },
    { name: 'garbage', role: 'unauthenticated', token: 'garbage' },
    {
      name: 'other subject, same signature',
      role: 'unauthenticated',
      token: withOtherSubject(validToken),
    },
    {
      name: 'expired',
      role: 'unauthenticated',
      token: await bySecret({ ...VALID_CLAIMS, exp: seconds(-60) }),
    },
    {
      name: 'not valid yet',
      role: 'unauthenticated',
      token: await bySecret({ ...VALID_CLAIMS, nbf: seconds(1800) }),
    },
    {
      name: 'no expiry',
      role: 'unauthenticated',
      token: await bySecret({ ...VALID_CLAIMS, exp: undefined }),
    },
    {
      name: 'no subject',
      role: 'unauthenticated',
      token: await bySecret({ ...VALID_CLAIMS, sub: undefined }),
    },
    {
      name: 'subject 123',
      role: 'unauthenticated',
      token: await bySecret({ ...VALID_CLAIMS, sub: 123 }),
    },
    {
      name: 'subject [ada]',
      role: 'unauthenticated',
      token: await bySecret({ ...VALID_CLAIMS, sub: ['ada'] }),
    },
    {
      name: 'expiry outside the range of dates',
      role: 'unauthenticated',
      token: await bySecret({ ...VALID_CLAIMS, exp: 1e20 }),
    },
    {
      name: 'wrong issuer',
      role: 'unauthenticated',
      token: await bySecret({ ...VALID_CLAIMS, iss: 'https://evil.example.com/' }),
    },
    {
      name: 'wrong aud',
      role: 'unauthenticated',
      token: await bySecret({ ...VALID_CLAIMS, aud: 'another' }),
    },
    {
      name: 'alg none',
      role: 'unauthenticated',
      token: new UnsecuredJWT({ ...VALID_CLAIMS }).encode(),
    },
    {
      name: 'other key (HS256)',
      role: 'unauthenticated',
      token: await bySecret(VALID_CLAIMS, 'another secret of thirty-two byte'),
    },
    {
      name: 'other key (RS256)',
      role: 'unauthenticated',
      token: await byKey('RS256', rsa.kid, unpublishedKey.privateKey),
    },
    {
      name: 'public key as secret',
      role: 'unauthenticated',
      token: await bySecret(VALID_CLAIMS, await exportSPKI(rsa.publicKey)),
    },
    { name: 'other user', role: 'other', token: await bySecret({ ...VALID_CLAIMS, sub: 'bob' }) },
    { name: 'owner', role: 'owner', token: validToken },
    ...(await Promise.all(
      pairs.map(async ({ alg, kid, privateKey }): Promise<Credential> => ({
        name: `owner (${alg})`,
        role: 'owner',
        token: await byKey(alg, kid, privateKey),
      })),
    )),
    {
      name: 'administrator',
      role: 'administrator',
      token: await bySecret({ ...VALID_CLAIMS, sub: 'root', scope: 'profile uploads:admin' }),
    },
    {
      name: 'viewer of every video',
      role: 'viewer',
      token: await bySecret({ ...VALID_CLAIMS, sub: 'bob', scope: 'profile videos:play' }),
    },
    {
      name: 'scope that only starts with the play scope',
      role: 'other',
      token: await bySecret({ ...VALID_CLAIMS, sub: 'bob', scope: 'videos:playback videos' }),
    },
    {
      name: 'scope that only starts with the administrator scope',
      role: 'other',
      token: await bySecret({ ...VALID_CLAIMS, sub: 'bob', scope: 'uploads:administrator' }),
    },
  ]
  return { jwksURL: `${origin}/keys`, credentials, stop: close }
}

/** Replaces the subject of a token and keeps its signature. */
function withOtherSubject(token: string): string {
  const [header, , signature] = token.split('.')
  const payload = btoa(JSON.stringify({ ...VALID_CLAIMS, sub: 'root' })).replaceAll('=', '')
  return [header, payload, signature].join('.')
}
