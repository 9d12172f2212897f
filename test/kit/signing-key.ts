/** A signing key of Stream for tests. */
import { exportJWK, generateKeyPair, jwtVerify } from 'jose'
import { readConfig } from '../../src/config/gateway-config.ts'
import type { SigningKey } from '../../src/stream/playback-signer.ts'

export interface TestSigningKey {
  /** The variables with the `id` and the `jwk` as Stream returns them. */
  readonly variables: {
    readonly STREAM_SIGNING_KEY_ID: string
    readonly STREAM_SIGNING_KEY_JWK: string
  }
  /** The key as the gateway reads it from the variables. */
  readonly signingKey: SigningKey
  /** Returns the token's header and claims if this key has signed it; rejects otherwise. */
  verify(token: string, currentDate: Date): ReturnType<typeof jwtVerify>
}

/** Generates a key, which takes some hundred milliseconds. */
export async function createSigningKey(id = 'f'.repeat(32)): Promise<TestSigningKey> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { use: 'sig', kid: id, alg: 'RS256', ...(await exportJWK(privateKey)) }
  const variables = {
    STREAM_SIGNING_KEY_ID: id,
    STREAM_SIGNING_KEY_JWK: btoa(JSON.stringify(jwk)),
  }
  const outcome = readConfig(variables)
  if (outcome.kind === 'errors' || outcome.config.signingKey === null)
    throw new Error('The generated signing key is not valid.')
  return {
    variables,
    signingKey: outcome.config.signingKey,
    verify: (token, currentDate) =>
      jwtVerify(token, publicKey, { algorithms: ['RS256'], currentDate }),
  }
}
