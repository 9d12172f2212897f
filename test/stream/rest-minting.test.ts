/** How the REST adapter mints URLs and asks after tus uploads, seen from the other side. */
import { describe, expect, test } from 'vitest'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { plain, startStubStream, success, type Answerer } from './stub-stream.ts'
import { accountId, apiToken, order, tusOrder, uid, uploadURL } from './stub-params.ts'
import { ways } from './transports.ts'

const stream = `/client/v4/accounts/${accountId}/stream`

describe.each(ways)('by $way', ({ send }) => {
  async function start(answerer: Answerer) {
    const stub = await startStubStream(answerer)
    const baseUrl = `${stub.url}/client/v4/`
    return { ...stub, backend: createRestStreamApi({ accountId, apiToken, baseUrl, send }) }
  }

  describe('minting', () => {
    test('a direct upload is ordered by a JSON body', async () => {
      const { backend, seen } = await start(success({ uid, uploadURL, watermark: {}, other: 1 }))
      expect(await backend.createDirectUpload(order)).toEqual({ uid, uploadURL })
      expect(seen).toHaveLength(1)
      expect(seen[0]).toMatchObject({ method: 'POST', url: `${stream}/direct_upload` })
      expect(seen[0]?.headers).toMatchObject({
        authorization: `Bearer ${apiToken}`,
        'content-type': 'application/json',
      })
      expect(seen[0]?.headers).not.toHaveProperty('upload-creator')
      expect(JSON.parse(seen[0]?.body ?? '')).toEqual({
        maxDurationSeconds: 600,
        expiry: '2024-02-27T07:20:50Z',
        creator: 'user-1',
        meta: { name: 'x.mp4' },
        allowedOrigins: [],
        requireSignedURLs: false,
      })
    })

    test('a direct upload carries every constraint there is, and any creator', async () => {
      const { backend, seen } = await start(success({ uid, uploadURL }))
      await backend.createDirectUpload({
        ...order,
        creator: 'Zoë',
        allowedOrigins: ['*.example.com', 'localhost:3000'],
        requireSignedURLs: true,
        scheduledDeletion: new Date('2025-01-01T00:00:00Z'),
        thumbnailTimestampPct: 0,
      })
      expect(JSON.parse(seen[0]?.body ?? '')).toMatchObject({
        creator: 'Zoë',
        allowedOrigins: ['*.example.com', 'localhost:3000'],
        requireSignedURLs: true,
        scheduledDeletion: '2025-01-01T00:00:00Z',
        thumbnailTimestampPct: 0,
      })
    })

    test('a tus upload is ordered by headers and an empty body', async () => {
      const location = `https://upload.cloudflarestream.com/tus/abc?tusv2=true`
      const headers = { Location: location, 'stream-media-id': uid }
      const { backend, seen } = await start(plain('', 201, headers))
      expect(await backend.createTusUpload(tusOrder)).toEqual({ uid, uploadURL: location })
      expect(seen[0]).toMatchObject({ method: 'POST', url: `${stream}?direct_user=true`, body: '' })
      expect(seen[0]?.headers).toMatchObject({
        authorization: `Bearer ${apiToken}`,
        'content-length': '0',
        'tus-resumable': '1.0.0',
        'upload-length': '300000000',
        'upload-creator': 'user-1',
        'upload-metadata':
          'maxDurationSeconds NjAw,expiry MjAyNC0wMi0yN1QwNzoyMDo1MFo=,name eC5tcDQ=',
      })
    })

    test('a tus answer may be a 200 with any body, and its Location relative', async () => {
      const headers = { location: '/tus/abc?tusv2=true', 'stream-media-id': uid }
      const { backend, url } = await start(plain('created', 200, headers))
      const minted = await backend.createTusUpload({ ...tusOrder, creator: null })
      expect(minted).toEqual({ uid, uploadURL: `${url}/tus/abc?tusv2=true` })
    })

    test.each(['Zoë', ' a', 'a ', 'a\r\nUpload-Metadata: x', ''])(
      'a creator that no header can carry, %j, is refused before anything is sent',
      async (creator) => {
        const { backend, seen } = await start(plain('', 201))
        await expect(backend.createTusUpload({ ...tusOrder, creator })).rejects.toMatchObject({
          name: 'StreamError',
          kind: 'invalid',
          mayHaveSucceeded: false,
        })
        expect(seen).toEqual([])
      },
    )

    test('a meta key that would set policy is never sent', async () => {
      const { backend, seen } = await start(plain('', 201))
      const meta = { ExPiRy: '2099-01-01T00:00:00Z' }
      await expect(backend.createTusUpload({ ...tusOrder, meta })).rejects.toThrow(RangeError)
      expect(seen).toEqual([])
    })
  })

  describe('the offset of a tus upload', () => {
    test('is asked for without the token', async () => {
      const headers = { 'upload-offset': '5242880', 'upload-length': '300000000' }
      const { backend, seen, url } = await start(plain('', 200, headers))
      const offset = await backend.readTusOffset(`${url}/tus/abc?tusv2=true`)
      expect(offset).toEqual({ receivedBytes: 5_242_880, totalBytes: 300_000_000 })
      expect(seen[0]).toMatchObject({ method: 'HEAD', url: '/tus/abc?tusv2=true' })
      expect(seen[0]?.headers).toMatchObject({ 'tus-resumable': '1.0.0' })
      expect(JSON.stringify(seen)).not.toContain(apiToken)
    })

    test('may come without a length', async () => {
      const { backend, url } = await start(plain('', 204, { 'upload-offset': '0' }))
      expect(await backend.readTusOffset(url)).toEqual({ receivedBytes: 0, totalBytes: null })
    })

    test.each([400, 401, 403, 404, 410, 460])('is not there after a %i', async (status) => {
      const { backend, url } = await start(plain('', status))
      expect(await backend.readTusOffset(url)).toBeNull()
    })

    test.each(['', 'upload', 'file:///etc/passwd', 'https://name:word@host/'])(
      'is not there for %j',
      async (address) => {
        const { backend } = await start(plain('', 200))
        expect(await backend.readTusOffset(address)).toBeNull()
      },
    )
  })

  describe('what cannot be sent', () => {
    test.each([
      { accountId: 'a/b' },
      { accountId: '' },
      { apiToken: '' },
      { apiToken: `${apiToken}\n` },
      { baseUrl: 'ftp://host' },
      { baseUrl: 'client/v4' },
      { baseUrl: 'https://name:word@host/' },
      { baseUrl: 'https://host/?x' },
    ])('%j is refused at once, unquoted', (wrong) => {
      const create = () => createRestStreamApi({ accountId, apiToken, ...wrong })
      expect(create).toThrow(RangeError)
      expect(create).not.toThrow(apiToken)
    })
  })
})
