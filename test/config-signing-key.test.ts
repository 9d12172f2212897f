/** STREAM_SIGNING_KEY_ID and STREAM_SIGNING_KEY_JWK: errors are reported by name, and contain no part of the key. */
import { exportJWK, generateKeyPair } from 'jose'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../src/config/gateway-config.ts'
import { createSigningKey } from './kit/signing-key.ts'

const ID = 'STREAM_SIGNING_KEY_ID'
const JWK = 'STREAM_SIGNING_KEY_JWK'
const { variables } = await createSigningKey()
const id = variables[ID]
const decoded: Readonly<Record<string, string>> = JSON.parse(atob(variables[JWK]))
const { privateKey } = await generateKeyPair('ES256', { extractable: true })
const ellipticJwk = await exportJWK(privateKey)

function errorsOf(environment: Readonly<Record<string, string>>): readonly string[] {
  const outcome = readConfig(environment)
  return outcome.kind === 'errors' ? outcome.errors : []
}

const encode = (jwk: unknown): string => btoa(JSON.stringify(jwk))
const without = (name: string): string =>
  encode(Object.fromEntries(Object.entries(decoded).filter(([key]) => key !== name)))

describe('a signing key', () => {
  test('is read without the members that would limit its use', () => {
    const limited = encode({ ...decoded, key_ops: ['verify'], use: 'enc', ext: false })
    const { kty, n, e, d, p, q, dp, dq, qi } = decoded
    const jwk = { kty, n, e, d, p, q, dp, dq, qi }
    for (const value of [variables[JWK], limited]) {
      expect(readConfig({ [ID]: id, [JWK]: value })).toMatchObject({
        config: { signingKey: { id, jwk } },
      })
    }
  })

  test.each([
    [{ [ID]: id }, [JWK]],
    [{ [JWK]: variables[JWK] }, [ID]],
    [{ [ID]: 'a b', [JWK]: variables[JWK] }, [ID]],
    [{ [ID]: 'another', [JWK]: variables[JWK] }, [ID]],
    [{ [ID]: 'a b', [JWK]: 'x', PORT: 'x' }, ['PORT', ID, JWK]],
  ])('with invalid variables is an error: %#', (environment, names) => {
    const errors = errorsOf(environment)
    expect(errors.map((error) => error.split(' ')[0])).toEqual(names)
    for (const error of errors) expect(error).toMatch(/\.$/)
  })

  test.each<[name: string, value: string, message: RegExp]>([
    ['JSON without base64', JSON.stringify(decoded), /a JSON object in base64/],
    ['a part of it', variables[JWK].slice(0, 400), /a JSON object in base64/],
    ['a PEM', btoa('-----BEGIN RSA PRIVATE KEY-----'), /a JSON object in base64/],
    ['a JSON string', encode('x'), /a JSON object in base64/],
    ['a public key', encode({ kty: 'RSA', n: decoded['n'], e: decoded['e'] }), /RSA private key/],
    ['a key without q', without('q'), /RSA private key/],
    ['a key with a number', encode({ ...decoded, d: 5 }), /RSA private key/],
    ['another kind of key', encode(ellipticJwk), /RSA private key/],
    ['a short key', encode({ ...decoded, n: decoded['n']?.slice(0, 171) }), /at least 2048 bits/],
  ])('is rejected: %s', (_name, value, message) => {
    const errors = errorsOf({ [ID]: id, [JWK]: value })
    expect(errors).toEqual([expect.stringMatching(message)])
    expect(errors.join()).toContain(JWK)
    expect(errors.join()).not.toContain(value.slice(0, 12))
  })
})
