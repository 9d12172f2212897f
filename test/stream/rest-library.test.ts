/** The requests that the REST adapter sends for videos, storage and the webhook. */
import { describe, expect, test } from 'vitest'
import { createRestStreamApi, UIDS_PER_LIST_CALL } from '../../src/stream/rest/rest-stream-api.ts'
import { json, plainText, startStubStream, success, type ResponseHandler } from './stub-stream.ts'
import { accountId, apiToken, uid } from './stub-params.ts'
import { openTransports } from './transports.ts'

const tokenParams = {
  uid,
  expiresAt: new Date('2023-12-31T23:59:59.999Z'),
  ttlSeconds: 3600,
  downloadable: false,
}
const stream = `/client/v4/accounts/${accountId}/stream`

describe.each(openTransports())('with $name', ({ send }) => {
  async function start(handler: ResponseHandler) {
    const stub = await startStubStream(handler)
    const baseUrl = `${stub.url}/client/v4/`
    return { ...stub, backend: createRestStreamApi({ accountId, apiToken, baseUrl, send }) }
  }

  describe('videos', () => {
    test('requests details by uid', async () => {
      const { backend, requests } = await start(success({ uid, status: { state: 'queued' } }))
      expect(await backend.findVideo(uid)).toMatchObject({ uid, state: 'queued' })
      expect(requests[0]).toMatchObject({ method: 'GET', url: `${stream}/${uid}`, body: '' })
    })

    test.each(['', '..', 'a/b', 'a?b', 'webhook', 'storage-usage', 'x'.repeat(65), 'ü'])(
      'an invalid uid, %j, is not found, without a request',
      async (text) => {
        const { backend, requests } = await start(success({ uid }))
        expect(await backend.findVideo(text)).toBeNull()
        expect(await backend.updateVideo(text, { maxDurationSeconds: 1 })).toBeNull()
        expect(await backend.deleteVideo(text)).toBe(false)
        expect(await backend.createPlaybackToken({ ...tokenParams, uid: text })).toBeNull()
        expect(requests).toEqual([])
      },
    )

    test('a list sends every filter and reads the counts', async () => {
      const { backend, requests } = await start(
        success([{ uid }, { noUid: true }, null], { total: '35586', range: '1000' }),
      )
      const list = await backend.listVideos({
        uids: [uid, 'b', uid],
        creator: 'a b&c',
        state: 'pendingupload',
        createdAfter: new Date('2024-01-01T00:00:00.123Z'),
        createdBefore: new Date('2024-02-01T00:00:00Z'),
        limit: 5,
        ascending: true,
      })
      expect(list.total).toBe(35586)
      expect(list.videos.map((video) => video.uid)).toEqual([uid])
      const listUrl = new URL(requests[0]?.url ?? '', 'http://stub')
      expect(listUrl.pathname).toBe(stream)
      expect(Object.fromEntries(listUrl.searchParams)).toEqual({
        include_counts: 'true',
        id: `${uid},b`,
        creator: 'a b&c',
        status: 'pendingupload',
        start: '2024-01-01T00:00:00.123Z',
        end: '2024-02-01T00:00:00.000Z',
        limit: '5',
        asc: 'true',
      })
    })

    test('a list without valid uids sends no request', async () => {
      const { backend, requests } = await start(success([{ uid }]))
      expect(await backend.listVideos({ uids: [] })).toEqual({ videos: [], total: 0 })
      expect(await backend.listVideos({ uids: ['a,b'] })).toEqual({ videos: [], total: 0 })
      expect(requests).toEqual([])
    })

    test('a list without counts has no total', async () => {
      const { backend } = await start(success([]))
      expect(await backend.listVideos({})).toEqual({ videos: [], total: null })
    })

    test('a list by the state unknown throws a RangeError', async () => {
      const { backend } = await start(success([]))
      await expect(backend.listVideos({ state: 'unknown' })).rejects.toThrow(RangeError)
    })

    test('a list of many uids is split into several requests and merged by creation time', async () => {
      const { backend, requests } = await start((response, request) => {
        const ids = new URL(request.url, 'http://stub').searchParams.get('id')?.split(',') ?? []
        const videos = ids.map((id) => ({ uid: id, created: timestamp(id) }))
        success(videos, { total: String(ids.length) })(response, request)
      })
      const uids = Array.from({ length: UIDS_PER_LIST_CALL + 50 }, (_none, index) => `v${index}`)
      const newest = await backend.listVideos({ uids, limit: 3 })
      expect(requests).toHaveLength(2)
      expect(Math.max(...requests.map(({ url }) => url.length))).toBeLessThan(8000)
      expect(newest.total).toBe(uids.length)
      expect(newest.videos.map((video) => video.uid)).toEqual(uids.toReversed().slice(0, 3))
      const all = await backend.listVideos({ uids, ascending: true })
      expect(all.videos.map((video) => video.uid)).toEqual(uids)
    })

    test('an update sends the changed fields only', async () => {
      const { backend, requests } = await start(success({ uid }))
      await backend.updateVideo(uid, { expiresAt: new Date('2024-01-01T00:00:00Z') })
      await backend.updateVideo(uid, { scheduledDeletion: null, meta: { name: 'new' } })
      await backend.updateVideo(uid, { creator: 'b', allowedOrigins: [], requireSignedURLs: false })
      expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual(
        Array.from({ length: 3 }, () => `POST ${stream}/${uid}`),
      )
      expect(requests.map(({ body }): unknown => JSON.parse(body))).toEqual([
        { uploadExpiry: '2024-01-01T00:00:00Z' },
        { scheduledDeletion: null, meta: { name: 'new' } },
        { creator: 'b', allowedOrigins: [], requireSignedURLs: false },
      ])
    })

    test.each([
      ['an empty 200', plainText('', 200), true],
      ['a 204', plainText('', 204), true],
      ['an envelope', success(''), true],
      ['a 404', json({ result: null, success: false, errors: [{ code: 10003 }] }, 404), false],
      ['an empty 404', plainText('', 404), false],
    ])('a deletion accepts %s', async (_name, handler, expected) => {
      const { backend, requests } = await start(handler)
      expect(await backend.deleteVideo(uid)).toBe(expected)
      expect(requests[0]).toMatchObject({ method: 'DELETE', url: `${stream}/${uid}` })
    })
  })

  describe('playback tokens', () => {
    test('are requested with their expiry in whole seconds', async () => {
      const { backend, requests } = await start(success({ token: 'aa.bb.cc' }))
      expect(await backend.createPlaybackToken(tokenParams)).toBe('aa.bb.cc')
      expect(await backend.createPlaybackToken({ ...tokenParams, downloadable: true })).toBe(
        'aa.bb.cc',
      )
      expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual(
        Array.from({ length: 2 }, () => `POST ${stream}/${uid}/token`),
      )
      expect(requests.map(({ body }): unknown => JSON.parse(body))).toEqual([
        { exp: 1_704_067_199, downloadable: false },
        { exp: 1_704_067_199, downloadable: true },
      ])
    })

    test('are null for a video that Stream does not know', async () => {
      const unknown = json({ result: null, success: false, errors: [{ code: 10003 }] }, 404)
      const { backend } = await start(unknown)
      expect(await backend.createPlaybackToken(tokenParams)).toBeNull()
    })

    test.each([{}, { token: '' }, { token: 'a.b' }, { token: 'a.b.c/../x' }, { token: 'a.b.c?d' }])(
      'are not read from %j, which is no JWT',
      async (result) => {
        const { backend } = await start(success(result))
        await expect(backend.createPlaybackToken(tokenParams)).rejects.toMatchObject({
          kind: 'unavailable',
          mayHaveSucceeded: false,
        })
      },
    )
  })

  describe('storage', () => {
    test.each([
      [{ totalStorageMinutes: '12.5', totalStorageMinutesLimit: 1000, videoCount: '3' }, 1000],
      [{ totalStorageMinutes: 12.5, totalStorageMinutesLimit: null, videoCount: 3 }, null],
      [{ totalStorageMinutes: 12.5, totalStorageMinutesLimit: 0, videoCount: 3 }, 0],
    ])('reads %j', async (result, limitMinutes) => {
      const { backend, requests } = await start(success(result))
      const usage = await backend.storageUsage('a b')
      expect(usage).toEqual({ storedMinutes: 12.5, limitMinutes, videoCount: 3 })
      expect(requests[0]?.url).toBe(`${stream}/storage-usage?creator=a+b`)
      await backend.storageUsage()
      expect(requests[1]?.url).toBe(`${stream}/storage-usage`)
    })
  })

  describe('the webhook', () => {
    const webhook = { notificationURL: 'https://a.example/hook', secret: 's', modifiedAt: null }

    test.each(['notificationUrl', 'notification_url'])(
      'is read in the spelling %s',
      async (key) => {
        const { backend, requests } = await start(
          success({ [key]: webhook.notificationURL, secret: 's' }),
        )
        expect(await backend.findWebhook()).toEqual(webhook)
        expect(await backend.setWebhook(webhook.notificationURL)).toEqual(webhook)
        expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
          `GET ${stream}/webhook`,
          `PUT ${stream}/webhook`,
        ])
        expect(JSON.parse(requests[1]?.body ?? '')).toEqual({
          notificationUrl: webhook.notificationURL,
        })
      },
    )

    test.each([
      ['404', json({ result: null, success: false, errors: [], messages: [] }, 404)],
      ['null', success(null)],
      ['an empty URL', success({ notificationUrl: '', secret: '' })],
    ])('is absent when the response is %s', async (_name, handler) => {
      const { backend } = await start(handler)
      expect(await backend.findWebhook()).toBeNull()
    })

    test('is deleted once', async () => {
      const absent = json({ result: null, success: false, errors: [], messages: [] }, 404)
      const handlers = [success('Successfully deleted'), absent]
      const { backend } = await start((response, request) => handlers.shift()?.(response, request))
      expect(await backend.deleteWebhook()).toBe(true)
      expect(await backend.deleteWebhook()).toBe(false)
    })
  })
})

/** Returns the creation time of a video: its number in seconds after a fixed date. */
function timestamp(id: string): string {
  return new Date(Date.UTC(2024, 0, 1) + Number(id.slice(1)) * 1000).toISOString()
}
