/** Playback by a signed token in place of the uid: which tokens play, at each playback URL. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { testcard, testcardFile } from '../kit/media.ts'
import {
  createApiKey,
  requestToken,
  sign,
  signForged,
  signText,
  signWithPublicKey,
  unsigned,
  type ApiKey,
} from './kit/playback-tokens.ts'
import { linksOf, playlistsOf, text } from './kit/playlists.ts'
import { createStreamClient, type StreamClient } from './kit/stream-client.ts'

/** Every kind of playback URL, after uid or token. */
const PATHS = [
  'watch',
  'iframe',
  'video',
  'manifest/video.m3u8',
  'manifest/stream.m3u8',
  'manifest/audio.m3u8',
  'manifest/video.mpd',
  'video/init.mp4',
  'audio/seg_1.mp4',
  'thumbnails/thumbnail.jpg',
  'thumbnails/thumbnail.gif',
]

interface Context {
  readonly stream: StreamClient
  readonly key: ApiKey
  readonly uid: string
  /** Valid claims. */
  readonly claims: { readonly sub: string; readonly exp: number; readonly nbf: number }
}

async function upload(stream: StreamClient, requireSignedURLs: boolean): Promise<string> {
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60, requireSignedURLs })
  expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
  return uid
}

async function start({ requireSignedURLs = true } = {}) {
  const emulator = await startTestEmulator({ encodeMs: 0 })
  const stream = createStreamClient(emulator)
  const uid = await upload(stream, requireSignedURLs)
  const key = await createApiKey(stream)
  const now = Math.floor(Date.parse((await emulator.state()).clock.now) / 1000)
  const claims = { sub: uid, exp: now + 600, nbf: now - 60 }
  const context: Context = { stream, key, uid, claims }
  const statusOf = async (uidOrToken: string, path: string, headers?: Record<string, string>) => {
    const response = await fetch(`${emulator.url}/${uidOrToken}/${path}`, {
      ...(headers && { headers }),
    })
    await response.arrayBuffer()
    return response.status
  }
  const statuses = async (uidOrToken: string) => {
    const found = await Promise.all(PATHS.map((path) => statusOf(uidOrToken, path)))
    return Object.fromEntries(PATHS.map((path, index) => [path, found[index]]))
  }
  return { ...context, context, emulator, statusOf, statuses }
}

/** The same status at every playback URL. */
const everywhere = (status: number) => Object.fromEntries(PATHS.map((path) => [path, status]))

describe('a private video, at every playback URL,', () => {
  let shared: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    shared = await start()
  })
  afterAll(() => shared.emulator.close())

  test.each<[string, number, (context: Context) => Promise<string> | string]>([
    ['its uid', 401, ({ uid }) => uid],
    ['a token of the API', 200, ({ stream, uid }) => requestToken(stream, uid)],
    ['a token of a signing key', 200, ({ key, claims }) => sign(key, claims)],
    ['a token without nbf', 200, ({ key, claims }) => sign(key, { ...claims, nbf: undefined })],
    [
      'a token whose kid is in the header only',
      401,
      ({ key, claims }) => sign(key, { ...claims, kid: undefined }),
    ],
    ['a token whose kid is in the claims only', 401, ({ key, claims }) => sign(key, claims, {})],
    ['a forged token', 401, ({ key, claims }) => signForged(key.id, claims)],
    [
      'a token whose claims were changed',
      401,
      async ({ key, claims }) => {
        const [header, , signature] = (await sign(key, claims)).split('.')
        const later = Buffer.from(JSON.stringify({ ...claims, exp: claims.exp + 1 }))
        return [header, later.toString('base64url'), signature].join('.')
      },
    ],
    [
      'a token of one key with the kid of another',
      401,
      async ({ stream, key, claims }) =>
        sign(await createApiKey(stream), { ...claims, kid: key.id }, { kid: key.id }),
    ],
    [
      'a token whose claim kid is another key',
      401,
      async ({ stream, key, claims }) =>
        sign(key, { ...claims, kid: (await createApiKey(stream)).id }),
    ],
    ['a token of an unknown key', 401, ({ key, claims }) => sign(key, claims, { kid: 'x' })],
    [
      'a token of a deleted key',
      401,
      async ({ stream, claims }) => {
        const deleted = await createApiKey(stream)
        await stream.call('DELETE', `/keys/${deleted.id}`)
        return sign(deleted, claims)
      },
    ],
    ['an expired token', 401, ({ key, claims }) => sign(key, { ...claims, exp: claims.exp - 601 })],
    ['a token without exp', 401, ({ key, claims }) => sign(key, { ...claims, exp: undefined })],
    [
      'a token that lasts longer than 24 hours',
      401,
      ({ key, claims }) => sign(key, { ...claims, exp: claims.exp + 86_400 }),
    ],
    [
      'a token that is not valid yet',
      401,
      ({ key, claims }) => sign(key, { ...claims, nbf: claims.exp - 300 }),
    ],
    ['a token without sub', 401, ({ key, claims }) => sign(key, { ...claims, sub: undefined })],
    [
      'a token for an unknown video',
      404,
      ({ key, claims }) => sign(key, { ...claims, sub: '0'.repeat(32) }),
    ],
    [
      'a token for a deleted video',
      404,
      async ({ stream, key, claims }) => {
        const sub = await upload(stream, true)
        await stream.call('DELETE', `/${sub}`)
        return sign(key, { ...claims, sub })
      },
    ],
    ['claims of another type', 401, ({ key, claims }) => sign(key, { ...claims, sub: 5 })],
    ['claims that are no object', 401, ({ key }) => signText(key, '[]')],
    ['claims that are no JSON', 401, ({ key }) => signText(key, '{')],
    ['alg none', 401, ({ key, claims }) => unsigned(key.id, claims)],
    ['HS256 with the public key', 401, ({ key, claims }) => signWithPublicKey(key, claims)],
    ['a kid that is no text', 401, ({ key, claims }) => sign(key, claims, { kid: {} })],
    ['three dots', 401, () => '...'],
    ['text with dots', 401, () => 'a.b.c'],
    ['one dot', 401, () => 'not-a.token'],
    [
      'a token that is too long',
      401,
      ({ key, claims }) => sign(key, { ...claims, padding: 'x'.repeat(8000) }),
    ],
  ])('%s: %i', async (_name, status, create) => {
    const { context, statuses } = shared
    expect(await statuses(await create(context))).toEqual(everywhere(status))
  })

  test('a token for another video plays only that one', async () => {
    const { stream, key, uid, claims, emulator } = shared
    const other = await upload(stream, true)
    const token = await sign(key, { ...claims, sub: other })
    const page = await text(`${emulator.url}/${token}/watch`)
    expect(page).toContain(other)
    expect(page).not.toContain(uid)
  })
})

test('a public video plays by uid and by token, but not by an invalid token', async () => {
  const { uid, key, claims, statuses } = await start({ requireSignedURLs: false })
  expect(await statuses(uid)).toEqual(everywhere(200))
  expect(await statuses(await sign(key, claims))).toEqual(everywhere(200))
  expect(await statuses(await signForged(key.id, claims))).toEqual(everywhere(401))
})

test('the manifests and the player page of a token refer to URLs with the token', async () => {
  const { emulator, key, claims, uid } = await start()
  const token = await sign(key, claims)
  const base = `${emulator.url}/${token}`
  const { video, audio } = await playlistsOf(`${base}/manifest/video.m3u8`)
  for (const playlist of [video, audio]) {
    const content = await text(playlist)
    const [, init = ''] = /EXT-X-MAP:URI="(.*)"/.exec(content) ?? []
    for (const link of [new URL(init, playlist), ...linksOf(content, playlist)]) {
      expect(link.href.startsWith(`${base}/`)).toBe(true)
      expect((await fetch(link)).status).toBe(200)
    }
  }
  const page = await text(`${base}/iframe`)
  expect(page).toContain(`src="/${token}/manifest/video.m3u8"`)
  expect(page).not.toContain(`/${uid}/`)
})

describe('a token that has played', () => {
  test('stops when it expires, and starts when nbf passes', async () => {
    const { emulator, key, claims, statuses } = await start()
    const early = await sign(key, { ...claims, nbf: claims.exp - 300 })
    const token = await sign(key, { ...claims, exp: claims.exp - 400 })
    expect(await statuses(token)).toEqual(everywhere(200))
    expect(await statuses(early)).toEqual(everywhere(401))
    await emulator.advanceClock(301)
    expect(await statuses(token)).toEqual(everywhere(401))
    expect(await statuses(early)).toEqual(everywhere(200))
  })

  test('stops when its key is deleted', async () => {
    const { stream, key, claims, statuses } = await start()
    const token = await sign(key, claims)
    expect(await statuses(token)).toEqual(everywhere(200))
    await stream.call('DELETE', `/keys/${key.id}`)
    expect(await statuses(token)).toEqual(everywhere(401))
  })

  test('stops when its video is deleted', async () => {
    const { stream, key, claims, uid, statuses } = await start()
    const token = await sign(key, claims)
    expect(await statuses(token)).toEqual(everywhere(200))
    await stream.call('DELETE', `/${uid}`)
    expect(await statuses(token)).toEqual(everywhere(404))
  })
})

test('the download of a private video needs a token with downloadable', async () => {
  const { emulator, key, claims, statusOf } = await start()
  const path = 'downloads/default.mp4'
  expect(await statusOf(await sign(key, claims), path)).toBe(401)
  const token = await sign(key, { ...claims, downloadable: true })
  const response = await fetch(`${emulator.url}/${token}/${path}`)
  expect(response.status).toBe(200)
  expect(Buffer.from(await response.arrayBuffer()).equals(testcard.bytes)).toBe(true)

  const open = await start({ requireSignedURLs: false })
  expect(await open.statusOf(open.uid, path)).toBe(200)
  expect(await open.statusOf(await sign(open.key, open.claims), path)).toBe(200)
})

const allow = (rule: object) => ({ ...rule, action: 'allow' })
const block = (rule: object) => ({ ...rule, action: 'block' })

describe('access rules', () => {
  let shared: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    shared = await start()
  })
  afterAll(() => shared.emulator.close())

  const loopback = { type: 'ip.src', ip: ['127.0.0.0/8'] }
  const elsewhere = { type: 'ip.src', ip: ['93.184.216.0/24', '2400:cb00::/32', '::/0'] }
  const abroad = { type: 'ip.geoip.country', country: ['us', 'MX'] }
  const any = { type: 'any' }

  test.each<[string, object[], string | null, number]>([
    ['none', [], null, 200],
    ['block any', [block(any)], null, 401],
    ['block this address', [block(loopback)], null, 401],
    ['block an exact address', [block({ type: 'ip.src', ip: ['127.0.0.1'] })], null, 401],
    ['block other addresses', [block(elsewhere)], null, 200],
    ['allow this address, block any', [allow(loopback), block(any)], null, 200],
    ['allow other addresses, block any', [allow(elsewhere), block(any)], null, 401],
    ['block this address, allow any', [block(loopback), allow(any)], null, 401],
    ['block countries', [block(abroad)], 'US', 401],
    ['block other countries', [block(abroad)], 'GB', 200],
    ['block countries, country unknown', [block(abroad)], null, 200],
    ['allow countries, block any', [allow(abroad), block(any)], 'mx', 200],
    ['allow countries, block any, country unknown', [allow(abroad), block(any)], null, 401],
    ['six rules', Array.from({ length: 6 }, () => allow(any)), null, 401],
    ['an unknown type', [allow({ type: 'ip.dst' })], null, 401],
  ])('%s', async (_name, accessRules, country, status) => {
    const { key, claims, statusOf } = shared
    const token = await sign(key, { ...claims, accessRules })
    const headers = country === null ? {} : { 'cf-ipcountry': country }
    expect(await statusOf(token, 'watch', headers)).toBe(status)
  })
})

test('pages of any origin may send preflight requests, also for invalid tokens', async () => {
  const { emulator, key, claims } = await start()
  for (const token of [await sign(key, claims), 'a.b.c']) {
    const url = `${emulator.url}/${token}/manifest/video.m3u8`
    expect((await fetch(url, { method: 'OPTIONS' })).status).toBe(204)
    expect((await fetch(url)).headers.get('access-control-allow-origin')).toBe('*')
    expect((await fetch(url, { method: 'POST' })).status).toBe(405)
  }
})

test('a rejected token is not repeated in the response', async () => {
  const { emulator, key, claims } = await start()
  const token = await signForged(key.id, claims)
  const response = await fetch(`${emulator.url}/${token}/watch`)
  const reason = await response.text()
  expect(reason).toBe('The signed URL is not valid: its signature is not RS256 of its key.\n')
})
