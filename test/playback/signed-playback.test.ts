/** `playback` with a signing key, played at the emulator. */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { signForged, signText } from '../emulator/kit/playback-tokens.ts'
import { tokenFor } from '../kit/gateway.ts'
import { createDirectUpload, deleteUpload, expectMinted, postFile } from '../kit/operations.ts'
import { testcardFile } from '../kit/media.ts'
import {
  countTokenRequests,
  playbackOf,
  startWithSigningKey,
  statusOf,
  tokenOf,
  uploadVideo,
  videoOf,
} from './kit.ts'

async function start() {
  const setup = await startWithSigningKey()
  const ada = setup.gateway.as(await tokenFor('ada'))
  return { ...setup, emulator: setup.gateway.emulator, ada, uid: await uploadVideo(ada) }
}

describe('a private video', () => {
  it('plays at the addresses of `playback` and at no other', async () => {
    const { gateway, emulator, ada, uid, key } = await start()
    const now = Math.floor(gateway.clock.now().getTime() / 1000)
    const playback = await playbackOf(ada, uid, { ttlSeconds: 600 })
    if (playback === null || playback.token === null) throw new Error('There is no playback.')
    expect(decodeProtectedHeader(playback.token)).toEqual({ alg: 'RS256', kid: key.id })
    const { exp, nbf, ...claims } = decodeJwt(playback.token)
    expect(claims).toEqual({ sub: uid, kid: key.id })
    expect((exp ?? 0) - (nbf ?? 0)).toBe(660)
    expect([now + 600, now + 601, now + 602]).toContain(exp)
    expect(playback.expiresAt).toBe(new Date((exp ?? 0) * 1000).toISOString())

    const root = `${emulator.url}/${playback.token}`
    expect(playback).toMatchObject({
      hlsURL: `${root}/manifest/video.m3u8`,
      dashURL: `${root}/manifest/video.mpd`,
      iframeURL: `${root}/iframe`,
      thumbnailURL: `${root}/thumbnails/thumbnail.jpg`,
      animatedThumbnailURL: `${root}/thumbnails/thumbnail.gif`,
    })
    for (const url of [
      playback.hlsURL,
      playback.dashURL,
      playback.iframeURL,
      playback.thumbnailURL,
    ]) {
      expect(await statusOf(url)).toBe(200)
      expect(await statusOf(url.replace(playback.token, uid))).toBe(401)
    }
    const video = await videoOf(ada, uid)
    expect(video).toMatchObject({
      hlsURL: null,
      dashURL: null,
      previewURL: null,
      thumbnailURL: null,
    })
    expect(await statusOf(video?.playback?.hlsURL ?? '')).toBe(200)
  })

  it('can be downloaded only with `downloadable`', async () => {
    const { emulator, ada, uid } = await start()
    const download = async (downloadable: boolean) =>
      statusOf(`${emulator.url}/${await tokenOf(ada, uid, { downloadable })}/downloads/default.mp4`)
    expect(await download(false)).toBe(401)
    expect(await download(true)).toBe(200)
  })

  it('does not play with another token', async () => {
    const { emulator, ada, uid, key, stream } = await start()
    const play = (token: string) => statusOf(`${emulator.url}/${token}/manifest/video.m3u8`)
    const token = await tokenOf(ada, uid)
    const { sub, kid, exp, nbf } = decodeJwt(token)
    expect(await play(token)).toBe(200)
    expect(await play(await signForged(key.id, { sub, exp, nbf }))).toBe(401)
    expect(await play(await signText(key, JSON.stringify({ sub, kid, exp: 1 })))).toBe(401)
    const other = await uploadVideo(ada)
    expect(decodeJwt(await tokenOf(ada, other)).sub).toBe(other)
    // The signature of one token does not hold for the claims of another.
    const [header = '', claims = ''] = token.split('.')
    const [, , foreign = ''] = (await tokenOf(ada, other)).split('.')
    expect(await play([header, claims, foreign].join('.'))).toBe(401)
    expect((await stream.call('DELETE', `/keys/${key.id}`)).status).toBe(200)
    expect(await play(token)).toBe(401)
  })

  it('stops to play when the token expires', async () => {
    const { gateway, emulator, ada, uid } = await start()
    const playback = await playbackOf(ada, uid, { ttlSeconds: 60 })
    await emulator.advanceClock(50)
    gateway.clock.advance(50)
    expect(await statusOf(playback?.hlsURL ?? '')).toBe(200)
    const renewed = await playbackOf(ada, uid, { ttlSeconds: 60 })
    await emulator.advanceClock(20)
    gateway.clock.advance(20)
    expect(await statusOf(playback?.hlsURL ?? '')).toBe(401)
    expect(await statusOf(renewed?.hlsURL ?? '')).toBe(200)
  })

  it('has playback in the READY event of a subscription', async () => {
    const { ada } = await start()
    const { uid, uploadURL } = expectMinted(
      await createDirectUpload(ada, { requireSignedURLs: true }),
    )
    const event = z.object({
      uploadStatus: z.object({
        status: z.string(),
        video: z.object({ playback: z.object({ hlsURL: z.url() }).nullable() }).nullable(),
      }),
    })
    const results = ada.watch(
      event,
      'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status video { playback { hlsURL } } } }',
      { uid },
    )
    await postFile(uploadURL, testcardFile())
    const urls: (string | null)[] = []
    for await (const { uploadStatus } of results) {
      const { status, video } = uploadStatus
      if (status === 'READY' || video !== null) urls.push(video?.playback?.hlsURL ?? null)
    }
    // All but the last are events of a video that does not play yet.
    expect(urls.slice(0, -1).filter((url) => url !== null)).toEqual([])
    expect(await statusOf(urls.at(-1) ?? '')).toBe(200)
  })
})

describe('a public video', () => {
  it('has the plain addresses, and no token', async () => {
    const { ada, emulator } = await start()
    const uid = await uploadVideo(ada, {})
    const video = await videoOf(ada, uid)
    const root = `${emulator.url}/${uid}`
    expect(video?.playback).toEqual({
      token: null,
      expiresAt: null,
      hlsURL: video?.hlsURL,
      dashURL: video?.dashURL,
      iframeURL: `${root}/iframe`,
      thumbnailURL: video?.thumbnailURL,
      animatedThumbnailURL: `${root}/thumbnails/thumbnail.gif`,
    })
    expect(await playbackOf(ada, uid)).toEqual(video?.playback)
    expect(video?.hlsURL).toBe(`${root}/manifest/video.m3u8`)
  })
})

describe('playback', () => {
  it('is null for a video that does not play', async () => {
    const { ada, uid } = await start()
    const pending = expectMinted(await createDirectUpload(ada, { requireSignedURLs: true }))
    expect(await playbackOf(ada, pending.uid)).toBeNull()
    expect(await playbackOf(ada, 'f'.repeat(32))).toBeNull()
    await deleteUpload(ada, uid)
    expect(await playbackOf(ada, uid)).toBeNull()
  })

  it('is null for other callers, without the scope `videos:play`', async () => {
    const { gateway, uid } = await start()
    const bob = gateway.as(await tokenFor('bob'))
    const viewer = gateway.as(await tokenFor('bob', { scope: 'profile videos:play' }))
    const root = gateway.as(await tokenFor('root', { scope: 'uploads:admin' }))
    expect(await playbackOf(bob, uid)).toBeNull()
    expect(await playbackOf(root, uid)).not.toBeNull()
    expect(await statusOf((await playbackOf(viewer, uid))?.hlsURL ?? '')).toBe(200)
    expect(await videoOf(viewer, uid)).toBeNull()
    expect((await deleteUpload(viewer, uid)).code).toBe('UPLOAD_NOT_FOUND')
  })

  it('accepts a ttlSeconds from 60 to 86400', async () => {
    const { ada, uid } = await start()
    for (const ttlSeconds of [60, 86_400]) {
      const playback = await playbackOf(ada, uid, { ttlSeconds })
      expect(await statusOf(playback?.hlsURL ?? '')).toBe(200)
    }
    for (const ttlSeconds of [-1, 0, 59, 86_401]) {
      await expect(playbackOf(ada, uid, { ttlSeconds })).rejects.toThrow(
        '`ttlSeconds` must be from 60 to 86400.',
      )
    }
  })

  it('plays for nearly 24 hours if the clock of Stream is behind', async () => {
    const { gateway, emulator } = await start()
    const ada = gateway.as(await tokenFor('ada', { exp: 4_000_000_000 }))
    const uid = await uploadVideo(ada)
    gateway.clock.advance(59)
    const playback = await playbackOf(ada, uid, { ttlSeconds: 86_400 })
    expect(await statusOf(playback?.hlsURL ?? '')).toBe(200)
    const left = Date.parse(playback?.expiresAt ?? '') - gateway.clock.now().getTime()
    expect(Math.round(left / 60_000)).toBe(24 * 60 - 1)
    await emulator.advanceClock(86_400)
    expect(await statusOf(playback?.hlsURL ?? '')).toBe(401)
  })

  it('adds the arguments of thumbnails to their addresses', async () => {
    const { ada, uid, emulator } = await start()
    const root = `${emulator.url}/${await tokenOf(ada, uid)}/thumbnails`
    const still = 'timeSeconds: 1.5, width: 320, height: 180, fit: CROP'
    const animated = 'startSeconds: 0, durationSeconds: 2.25, fps: 8, height: 90, fit: SCALE'
    const data = await ada.request(
      z.object({ playback: z.object({ still: z.url(), animated: z.url() }) }),
      `query ($uid: ID!) {
        playback(uid: $uid) {
          still: thumbnailURL(${still}) animated: animatedThumbnailURL(${animated})
        }
      }`,
      { uid },
    )
    expect(data.playback).toEqual({
      still: `${root}/thumbnail.jpg?time=1.5s&width=320&height=180&fit=crop`,
      animated: `${root}/thumbnail.gif?time=0s&duration=2.25s&fps=8&height=90&fit=scale`,
    })
    expect(await statusOf(data.playback.still)).toBe(200)
  })

  it('rejects arguments of thumbnails that no image can have', async () => {
    const { ada, uid } = await start()
    for (const [field, message] of [
      ['thumbnailURL(width: 0)', '`width` must be at least 1.'],
      ['thumbnailURL(timeSeconds: -1)', '`timeSeconds` must be from 0 to 36000 seconds.'],
      ['animatedThumbnailURL(fps: -8)', '`fps` must be at least 1.'],
      [
        'animatedThumbnailURL(durationSeconds: 0)',
        '`durationSeconds` must be from 0.1 to 36000 seconds.',
      ],
    ] as const) {
      const document = `{ playback(uid: "${uid}") { ${field} } }`
      await expect(ada.request(z.unknown(), document)).rejects.toThrow(message)
    }
  })

  it('requests nothing from Stream for 10,000 fields, with a signing key', async () => {
    const { ada, emulator, uid } = await start()
    const before = await emulator.state()
    const fields = Array.from({ length: 50 }, (_, at) => `a${at}: playback(uid: $uid) { token }`)
    const document = `query ($uid: ID!) { ${fields.join(' ')} }`
    for (let sent = 0; sent < 200; sent += 4) {
      const batch = Array.from({ length: 4 }, () =>
        ada.request(z.looseObject({}), document, { uid }),
      )
      for (const data of await Promise.all(batch)) expect(Object.keys(data)).toHaveLength(50)
    }
    expect(await countTokenRequests(emulator)).toBe(0)
    const { requests } = await emulator.state()
    expect({ ...requests, list: 0 }).toEqual({ ...before.requests, list: 0 })
  })
})
