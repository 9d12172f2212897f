/** An identity provider that serves the keys of a test over HTTP. */
import { createServer } from 'node:http'
import { type CryptoKey, exportJWK, generateKeyPair } from 'jose'
import { listenInTest } from './listen.ts'

/** A running provider. */
export interface Provider {
  readonly url: string
  readonly fetched: () => number
  /** Sets the keys of following responses; null closes connections without a response. */
  serve(keys: readonly ProviderKey[] | null): void
  /** From now on, requests get no response. */
  hang(): void
}

/** A key pair with its id. */
export interface ProviderKey {
  readonly kid: string
  readonly jwk: object
  readonly privateKey: CryptoKey
}

export async function createKey(kid: string): Promise<ProviderKey> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  return { kid, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' }, privateKey }
}

/**
 * Starts a provider that is closed when the test ends.
 * @param whenOver of the test's own context, for a concurrent test
 */
export async function startProvider(
  first: readonly ProviderKey[] | null,
  whenOver?: (close: () => Promise<void>) => void,
): Promise<Provider> {
  let keys = first
  let fetched = 0
  let hangs = false
  const server = createServer((_request, response) => {
    fetched += 1
    if (hangs) return
    if (keys === null) response.destroy()
    else response.end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }))
  })
  const { origin } = await listenInTest(server, whenOver)
  return {
    url: `${origin}/keys`,
    fetched: () => fetched,
    serve: (next) => {
      keys = next
    },
    hang: () => {
      hangs = true
    },
  }
}
