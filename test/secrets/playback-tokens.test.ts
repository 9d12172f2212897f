/** Playback tokens and the signing key appear nowhere but in responses to those who may play the video. */
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { createApiKey, jwkOf } from '../emulator/kit/playback-tokens.ts'
import { createStreamClient } from '../emulator/kit/stream-client.ts'
import { startTestEmulator } from '../kit/emulator.ts'
import { PLAY, UPLOADS, UPLOAD_OF, WATCH } from './operations.ts'
import { PLAYBACK_TOKEN, startScriptedStream } from './scripted-stream.ts'
import { type Secret, secretText, secretToken } from './search.ts'
import { graphqlRequest, sseRequest } from './send-requests.ts'
import { type GatewaySetup, setupWith } from './setup.ts'
import { responseSecrets, streamFailures } from './stream-failures.ts'
import {
  type Token,
  apiToken,
  jwtSecret,
  metricsToken,
  signWebhook,
  webhookSecret,
} from './test-secrets.ts'
import { requestAllEndpoints } from './visit-endpoints.ts'

/** Creates a private upload of bob that is READY by a webhook. */
async function createPrivateVideo(setup: GatewaySetup): Promise<string> {
  const { uid, secret } = await setup.mintBasic(setup.tokens.bob, { requireSignedURLs: true })
  const base = `https://customer-local.cloudflarestream.com/${uid}`
  const body = JSON.stringify({
    uid,
    readyToStream: true,
    status: { state: 'ready' },
    duration: 6,
    thumbnail: `${base}/thumbnails/thumbnail.jpg`,
    playback: { hls: `${base}/manifest/video.m3u8`, dash: `${base}/manifest/video.mpd` },
  })
  const { status } = await setup.client.send({
    name: 'the webhook of the video',
    path: '/webhooks/stream',
    method: 'POST',
    headers: { 'webhook-signature': signWebhook(body, webhookSecret) },
    body,
    own: [secret],
  })
  expect(status).toBe(200)
  return uid
}

/** Reads the video by every operation as one caller, who may read these secrets. */
async function readVideo(
  { client }: GatewaySetup,
  by: Token,
  uid: string,
  own: readonly Secret[],
): Promise<string> {
  const { text, secret } = by
  const responses = [
    { ...graphqlRequest(`playback by ${secret.name}`, text, PLAY, { uid }), own },
    { ...graphqlRequest(`upload by ${secret.name}`, text, UPLOAD_OF, { uid }), own },
    { ...graphqlRequest(`uploads by ${secret.name}`, text, UPLOADS), own },
  ].map((request) => client.send(request))
  return (await Promise.all(responses)).map(({ body }) => body).join('\n')
}

async function issueViewer(): Promise<Token> {
  const text = await new SignJWT({ sub: 'viewer', exp: 4_000_000_000, scope: 'videos:play' })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(jwtSecret))
  return { text, secret: secretToken('the token of a viewer', text) }
}

async function scrape({ client }: GatewaySetup): Promise<string> {
  const headers = { authorization: `Bearer ${metricsToken}` }
  return (await client.send({ name: 'metrics', path: '/metrics', headers })).body
}

describe('a signing key and its tokens', { timeout: 60_000 }, () => {
  it('are in no output, except the tokens in responses to those who may play', async () => {
    const emulator = await startTestEmulator({ accountId: 'account1', token: apiToken })
    const key = await createApiKey(createStreamClient(emulator))
    const setup = await setupWith(emulator.apiBaseUrl, {
      STREAM_SIGNING_KEY_ID: key.id,
      STREAM_SIGNING_KEY_JWK: key.jwk,
    })
    const { transcript, tokens, client, gateway } = setup
    // Only these numbers are secret: `kid` is in every token, and `n` in public keys.
    for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi'])
      transcript.addSecret(secretText(`${name} of the signing key`, jwkOf(key)[name] ?? ''))
    const uid = await createPrivateVideo(setup)
    const viewer = await issueViewer()

    const own: Secret[] = []
    const body = await readVideo(setup, tokens.bob, uid, own)
    const [text = ''] = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(body) ?? []
    const token = secretToken('a playback token', text)
    own.push(token)
    transcript.addSecret(token)
    for (const by of [tokens.admin, viewer]) await readVideo(setup, by, uid, own)
    await readVideo(setup, tokens.ada, uid, [])
    const event = sseRequest('a subscription', tokens.bob.text, WATCH, { uid })
    await client.send({ ...event, own })
    await requestAllEndpoints(setup, uid)
    await scrape(setup)
    setup.recordLog()

    expect(transcript.placesOf(token)).toEqual(
      expect.arrayContaining([
        'playback by the token of bob: 200',
        'upload by the token of bob: 200',
        'uploads by the token of bob: 200',
        'playback by the token of root: 200',
        'a subscription: 200',
        'playback by the token of a viewer: 200',
      ]),
    )
    expect(transcript.placesOf(token)).not.toContain('upload by the token of a viewer: 200')
    expect(gateway.logs.length).toBeGreaterThan(10)
    expect(transcript.leaks()).toEqual([])
  })
})

describe('a token from Stream', { timeout: 60_000 }, () => {
  it('is in no output, except in responses to those who may play', async () => {
    const stream = await startScriptedStream()
    const setup = await setupWith(stream.url)
    const { transcript, tokens } = setup
    const token = secretToken('a playback token', PLAYBACK_TOKEN)
    transcript.addSecret(token)
    const uid = await createPrivateVideo(setup)
    await readVideo(setup, tokens.bob, uid, [token])
    await readVideo(setup, tokens.ada, uid, [])
    await requestAllEndpoints(setup, uid)
    expect(await scrape(setup)).toContain('create_playback_token')
    setup.recordLog()
    expect(stream.calls).toContain('POST token')
    expect(transcript.placesOf(token)).toContain('playback by the token of bob: 200')
    expect(transcript.leaks()).toEqual([])
  })

  it('fails without any part of the response of Stream in the output', async () => {
    const stream = await startScriptedStream()
    const setup = await setupWith(stream.url)
    const { transcript, tokens, gateway } = setup
    for (const secret of responseSecrets) transcript.addSecret(secret)
    const uid = await createPrivateVideo(setup)
    const codes = new Set<string>()
    for (const [name, failing] of Object.entries(streamFailures)) {
      stream.failWith(failing)
      // Beyond the cached failure, and the block after a 429.
      gateway.clock.advance(61)
      const request = graphqlRequest(`playback during ${name}`, tokens.bob.text, PLAY, { uid })
      const { body } = await setup.client.send(request)
      codes.add(/"code":"(\w+)"/.exec(body)?.[1] ?? body)
      setup.recordLog(` during ${name}`)
    }
    expect(codes).toEqual(
      new Set([
        'STREAM_REJECTED',
        'STREAM_UNAVAILABLE',
        'RATE_LIMITED',
        '{"data":{"playback":null}}',
      ]),
    )
    expect(gateway.logs.map(({ message }) => message)).toContain('creating a playback token failed')
    expect(transcript.leaks()).toEqual([])
  })
})
