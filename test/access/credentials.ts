/** Everything that a caller may show at the door, good and bad. */
import { type CryptoKey, SignJWT, UnsecuredJWT, exportJWK, exportSPKI, generateKeyPair } from 'jose'
import { createServer } from 'node:http'
import { TEST_SECRET } from '../kit/gateway.ts'

export const ISSUER = 'https://id.example.com/'
export const SHARED_SUBSCRIPTION = 'headgate'

/** Who is meant by each column of the table. */
export type Role = 'stranger' | 'other' | 'owner' | 'administrator'

export interface Credential {
  readonly name: string
  readonly role: Role
  /** Null for no token at all. */
  readonly token: string | null
}

/** An identity provider with a key of each kind that the gateway takes. */
export interface Provider {
  readonly jwksURL: string
  readonly credentials: readonly Credential[]
  stop(): void
}

const encode = (secret: string): Uint8Array => new TextEncoder().encode(secret)
const seconds = (ahead: number): number => Math.floor(Date.now() / 1000) + ahead

const GOOD = { sub: 'ada', iss: ISSUER, aud: SHARED_SUBSCRIPTION, exp: seconds(3600) }

async function createPair(alg: 'RS256' | 'ES256' | 'EdDSA') {
  const kid = `key of ${alg}`
  const { publicKey, privateKey } = await generateKeyPair(alg)
  const jwk = Object.assign(await exportJWK(publicKey), { alg, kid })
  return { alg, kid, publicKey, privateKey, jwk }
}

function bySecret(claims: object, secret = TEST_SECRET): Promise<string> {
  return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(encode(secret))
}

function byKey(alg: string, kid: string, key: CryptoKey): Promise<string> {
  return new SignJWT({ ...GOOD }).setProtectedHeader({ alg, kid }).sign(key)
}

/** Starts the provider's key set, and signs whatever the table needs. */
export async function startProvider(): Promise<Provider> {
  const kinds = ['RS256', 'ES256', 'EdDSA'] as const
  const pairs = await Promise.all(kinds.map(createPair))
  const keys = pairs.map(({ jwk }) => jwk)
  const { url: jwksURL, stop } = await serve(JSON.stringify({ keys }))

  const [rsa] = pairs
  if (rsa === undefined) throw new Error('There is no key.')
  const stolen = await generateKeyPair('RS256')
  const good = await bySecret(GOOD)
  const credentials: Credential[] = [
    { name: 'no token', role: 'stranger', token: null },
    { name: 'garbage', role: 'stranger', token: 'garbage' },
    { name: 'changed', role: 'stranger', token: changed(good) },
    { name: 'expired', role: 'stranger', token: await bySecret({ ...GOOD, exp: seconds(-60) }) },
    {
      name: 'not valid yet',
      role: 'stranger',
      token: await bySecret({ ...GOOD, nbf: seconds(60) }),
    },
    { name: 'never ends', role: 'stranger', token: await bySecret({ ...GOOD, exp: undefined }) },
    { name: 'nobody', role: 'stranger', token: await bySecret({ ...GOOD, sub: undefined }) },
    { name: 'subject 123', role: 'stranger', token: await bySecret({ ...GOOD, sub: 123 }) },
    { name: 'subject [ada]', role: 'stranger', token: await bySecret({ ...GOOD, sub: ['ada'] }) },
    { name: 'beyond any date', role: 'stranger', token: await bySecret({ ...GOOD, exp: 1e20 }) },
    {
      name: 'wrong issuer',
      role: 'stranger',
      token: await bySecret({ ...GOOD, iss: 'https://evil.example.com/' }),
    },
    {
      name: 'wrong audience',
      role: 'stranger',
      token: await bySecret({ ...GOOD, aud: 'another' }),
    },
    { name: 'alg none', role: 'stranger', token: new UnsecuredJWT({ ...GOOD }).encode() },
    {
      name: 'other key (HS256)',
      role: 'stranger',
      token: await bySecret(GOOD, 'another secret of thirty-two byte'),
    },
    {
      name: 'other key (RS256)',
      role: 'stranger',
      token: await byKey('RS256', rsa.kid, stolen.privateKey),
    },
    {
      name: 'public key as secret',
      role: 'stranger',
      token: await bySecret(GOOD, await exportSPKI(rsa.publicKey)),
    },
    { name: 'other user', role: 'other', token: await bySecret({ ...GOOD, sub: 'bob' }) },
    { name: 'owner', role: 'owner', token: good },
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
      token: await bySecret({ ...GOOD, sub: 'root', scope: 'profile uploads:admin' }),
    },
    {
      name: 'like an administrator',
      role: 'other',
      token: await bySecret({ ...GOOD, sub: 'bob', scope: 'uploads:administrator' }),
    },
  ]
  return { jwksURL, credentials, stop }
}

/** The same token with another subject in it, and the signature as it was. */
function changed(token: string): string {
  const [header, , signature] = token.split('.')
  const payload = btoa(JSON.stringify({ ...GOOD, sub: 'root' })).replaceAll('=', '')
  return [header, payload, signature].join('.')
}

function serve(body: string): Promise<{ url: string; stop: () => void }> {
  const server = createServer((_request, response) => response.end(body))
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' ? address?.port : undefined
      resolve({ url: `http://127.0.0.1:${port}/keys`, stop: () => server.close() })
    })
  })
}
