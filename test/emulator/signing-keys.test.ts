/** Signing keys, and tokens that the API signs. */
import { createPrivateKey } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, onTestFinished, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile } from '../kit/media.ts'
import { createApiKey, decodeBase64, jwkOf, requestToken, sign } from './kit/playback-tokens.ts'
import { createStreamClient } from './kit/stream-client.ts'

async function start(options: Parameters<typeof startTestEmulator>[0] = {}) {
  const emulator = await startTestEmulator({ encodeMs: 0, ...options })
  const stream = createStreamClient(emulator)
  const now = async () => Math.floor(Date.parse((await emulator.state()).clock.now) / 1000)
  return { emulator, stream, now }
}

async function createVideo(stream: ReturnType<typeof createStreamClient>): Promise<string> {
  const { uid, uploadURL } = await stream.mintBasic({
    maxDurationSeconds: 60,
    requireSignedURLs: true,
  })
  await stream.sendFile(uploadURL, testcardFile())
  return uid
}

describe('keys', () => {
  test('are created with the same private key as PEM and JWK, listed without it, and deleted once', async () => {
    const { stream } = await start()
    const key = await createApiKey(stream)
    expect(decodeBase64(key.pem)).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/)
    expect(jwkOf(key)).toMatchObject({ use: 'sig', kty: 'RSA', kid: key.id, alg: 'RS256' })
    const fromPem = createPrivateKey(decodeBase64(key.pem))
    expect(fromPem.equals(createPrivateKey({ key: jwkOf(key), format: 'jwk' }))).toBe(true)

    const other = await createApiKey(stream)
    const listed = { id: key.id, created: key.created }
    expect((await stream.call('GET', '/keys')).result).toEqual([
      listed,
      { id: other.id, created: other.created },
    ])
    expect(await stream.call('DELETE', `/keys/${other.id}`)).toMatchObject({
      status: 200,
      result: 'Revoked',
    })
    expect((await stream.call('GET', '/keys')).result).toEqual([listed])
    expect(await stream.call('DELETE', `/keys/${other.id}`)).toMatchObject({
      status: 404,
      code: 10_003,
    })
  })

  test("the emulator's own key is neither listed nor deleted", async () => {
    const { emulator, stream } = await start()
    const token = await requestToken(stream, await createVideo(stream))
    const { kid } = decodeProtectedHeader(token)
    expect((await stream.call('GET', '/keys')).result).toEqual([])
    expect((await stream.call('DELETE', `/keys/${kid}`)).status).toBe(404)
    expect((await fetch(`${emulator.url}/${token}/watch`)).status).toBe(200)
  })

  test('survive a restart, and a reset removes them', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
    onTestFinished(() => rm(directory, { recursive: true, force: true }))
    const first = await start({ directory })
    const uid = await createVideo(first.stream)
    const key = await createApiKey(first.stream)
    const exp = (await first.now()) + 600
    const tokens = [await sign(key, { sub: uid, exp }), await requestToken(first.stream, uid)]
    await first.emulator.close()

    const { emulator, stream } = await start({ directory })
    for (const token of tokens) {
      expect((await fetch(`${emulator.url}/${token}/watch`)).status).toBe(200)
    }
    expect(decodeProtectedHeader(await requestToken(stream, uid)).kid).toBe(
      decodeProtectedHeader(tokens[1] ?? '').kid,
    )
    await emulator.reset()
    expect((await stream.call('GET', '/keys')).result).toEqual([])
    for (const token of tokens) {
      expect((await fetch(`${emulator.url}/${token}/watch`)).status).toBe(401)
    }
  })
})

describe('POST /{uid}/token', () => {
  test('signs for an hour without a body, and each concurrent request by the same key', async () => {
    const { stream, now } = await start()
    const uid = await createVideo(stream)
    const tokens = await Promise.all([requestToken(stream, uid), requestToken(stream, uid)])
    const [kid, other] = tokens.map((token) => decodeProtectedHeader(token).kid)
    expect(other).toBe(kid)
    expect(decodeProtectedHeader(tokens[0])).toEqual({ alg: 'RS256', kid })
    const claims = decodeJwt(tokens[0])
    expect(claims).toEqual({ sub: uid, kid, exp: claims.exp, nbf: claims.nbf })
    expect(Math.abs((claims.exp ?? 0) - (await now()) - 3600)).toBeLessThan(60)
    expect(Math.abs((claims.nbf ?? 0) - (await now()) + 3600)).toBeLessThan(60)
  })

  test('signs by the key of the account that the body contains, with its restrictions', async () => {
    const { emulator, stream, now } = await start()
    const uid = await createVideo(stream)
    const { id, pem } = await createApiKey(stream)
    const restrictions = {
      exp: (await now()) + 43_200,
      nbf: await now(),
      downloadable: true,
      accessRules: [{ type: 'any', action: 'allow' }],
      flags: { original: true },
    }
    const token = await requestToken(stream, uid, { id, pem, ...restrictions })
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'RS256', kid: id })
    expect(decodeJwt(token)).toEqual({ sub: uid, kid: id, ...restrictions })
    expect((await fetch(`${emulator.url}/${token}/watch`)).status).toBe(200)
  })

  test('responds with 404 for an unknown video, and can fail by a planned fault', async () => {
    const { emulator, stream } = await start()
    expect(await stream.call('POST', `/${'0'.repeat(32)}/token`)).toMatchObject({
      status: 404,
      code: 10_003,
    })
    await emulator.fault({ on: 'token', status: 429 })
    const uid = await createVideo(stream)
    expect((await stream.call('POST', `/${uid}/token`)).status).toBe(429)
    expect((await stream.call('GET', `/${uid}/token`)).status).toBe(405)
    expect((await emulator.state()).requests).toMatchObject({ token: 2 })
  })

  const rule = { type: 'any', action: 'allow' }
  test.each<[string, object, RegExp]>([
    ['an id without a pem', { id: 'x' }, /id and pem/],
    ['a pem without an id', { pem: 'x' }, /id and pem/],
    ['an unknown id', { id: 'x', pem: 'x' }, /id is not the ID of a signing key/],
    ['an exp in the past', { exp: 1 }, /exp must be a time/],
    ['an exp after 24 hours', { exp: 1e10 }, /exp must be .* at most 24 hours/],
    ['an exp that is no integer', { exp: '3600' }, /^exp: /],
    ['a huge exp', { exp: 1e300 }, /^exp: /],
    ['six access rules', { accessRules: Array.from({ length: 6 }, () => rule) }, /accessRules/],
    ['an unknown type of rule', { accessRules: [{ ...rule, type: 'ip.dst' }] }, /accessRules/],
    ['a rule without action', { accessRules: [{ type: 'any' }] }, /accessRules/],
    [
      'a rule without its list',
      { accessRules: [{ ...rule, type: 'ip.src' }] },
      /accessRules\.0\.ip is missing/,
    ],
    [
      'an invalid range',
      { accessRules: [{ ...rule, type: 'ip.src', ip: ['10.0.0.0/33'] }] },
      /network such as/,
    ],
    [
      'a token that no URL can contain',
      {
        accessRules: [
          { type: 'ip.src', action: 'allow', ip: Array.from({ length: 2000 }, () => '10.0.0.1') },
        ],
      },
      /more than 8192 characters/,
    ],
  ])('rejects %s with 400', async (_name, body, reason) => {
    const { stream } = await start()
    const { uid } = await stream.mintBasic({ maxDurationSeconds: 60 })
    const response = await stream.call('POST', `/${uid}/token`, body)
    expect(response).toMatchObject({ status: 400, code: 10_005 })
    expect(response.reason).toMatch(reason)
  })

  test.each([
    [
      'no key at all',
      Buffer.from('not a key').toString('base64'),
      /pem is not the private key of id/,
    ],
    ['the key of another id', null, /pem is not the private key of id/],
  ])('rejects a pem that is %s', async (_name, pem, reason) => {
    const { stream } = await start()
    const { uid } = await stream.mintBasic({ maxDurationSeconds: 60 })
    const [{ id }, other] = [await createApiKey(stream), await createApiKey(stream)]
    const response = await stream.call('POST', `/${uid}/token`, { id, pem: pem ?? other.pem })
    expect(response).toMatchObject({ status: 400, code: 10_005 })
    expect(response.reason).toMatch(reason)
  })
})
