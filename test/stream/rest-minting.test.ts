/** The requests that the REST adapter sends for upload URLs and tus offsets. */
import { describe, expect, test } from 'vitest'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { plainText, startStubStream, success, type ResponseHandler } from './stub-stream.ts'
import { accountId, apiToken, directParams, tusParams, uid, uploadURL } from './stub-params.ts'
import { openTransports } from './transports.ts'

const stream = `/client/v4/accounts/${accountId}/stream`

describe.each(openTransports())('with $name', ({ send }) => {
  async function start(handler: ResponseHandler) {
    const stub = await startStubStream(handler)
    const baseUrl = `${stub.url}/client/v4/`
    return { ...stub, backend: createRestStreamApi({ accountId, apiToken, baseUrl, send }) }
  }

  describe('minting', () => {
    test('a direct upload sends its parameters as JSON', async () => {
      const { backend, requests } = await start(
        success({ uid, uploadURL, watermark: {}, other: 1 }),
      )
      expect(await backend.createDirectUpload(directParams)).toEqual({ uid, uploadURL })
      expect(requests).toHaveLength(1)
      expect(requests[0]).toMatchObject({ method: 'POST', url: `${stream}/direct_upload` })
      expect(requests[0]?.headers).toMatchObject({
        authorization: `Bearer ${apiToken}`,
        'content-type': 'application/json',
      })
      expect(requests[0]?.headers).not.toHaveProperty('upload-creator')
      expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
        maxDurationSeconds: 600,
        expiry: '2024-02-27T07:20:50Z',
        creator: 'user-1',
        meta: { name: 'x.mp4' },
        allowedOrigins: [],
        requireSignedURLs: false,
      })
    })

    test('a direct upload sends every constraint, and a creator outside ASCII', async () => {
      const { backend, requests } = await start(success({ uid, uploadURL }))
      await backend.createDirectUpload({
        ...directParams,
        creator: 'Zoë',
        allowedOrigins: ['*.example.com', 'localhost:3000'],
        requireSignedURLs: true,
        scheduledDeletion: new Date('2025-01-01T00:00:00Z'),
        thumbnailTimestampPct: 0,
        watermarkUid: 'ea95132c15732412d22c1476fa83f27a',
      })
      expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({
        creator: 'Zoë',
        allowedOrigins: ['*.example.com', 'localhost:3000'],
        requireSignedURLs: true,
        scheduledDeletion: '2025-01-01T00:00:00Z',
        thumbnailTimestampPct: 0,
        watermark: { uid: 'ea95132c15732412d22c1476fa83f27a' },
      })
    })

    test('a tus upload sends its parameters as headers with an empty body', async () => {
      const location = `https://upload.cloudflarestream.com/tus/abc?tusv2=true`
      const headers = { Location: location, 'stream-media-id': uid }
      const { backend, requests } = await start(plainText('', 201, headers))
      expect(await backend.createTusUpload(tusParams)).toEqual({ uid, uploadURL: location })
      expect(requests[0]).toMatchObject({
        method: 'POST',
        url: `${stream}?direct_user=true`,
        body: '',
      })
      expect(requests[0]?.headers).toMatchObject({
        authorization: `Bearer ${apiToken}`,
        'content-length': '0',
        'tus-resumable': '1.0.0',
        'upload-length': '300000000',
        'upload-creator': 'user-1',
        'upload-metadata':
          'maxDurationSeconds NjAw,expiry MjAyNC0wMi0yN1QwNzoyMDo1MFo=,name eC5tcDQ=',
      })
    })

    test('a tus response may have status 200, any body and a relative Location', async () => {
      const headers = { location: '/tus/abc?tusv2=true', 'stream-media-id': uid }
      const { backend, url } = await start(plainText('created', 200, headers))
      const minted = await backend.createTusUpload({ ...tusParams, creator: null })
      expect(minted).toEqual({ uid, uploadURL: `${url}/tus/abc?tusv2=true` })
    })

    test.each(['Zoë', ' a', 'a ', 'a\r\nUpload-Metadata: x', ''])(
      'rejects a creator that is not valid in a header, %j, without a request',
      async (creator) => {
        const { backend, requests } = await start(plainText('', 201))
        await expect(backend.createTusUpload({ ...tusParams, creator })).rejects.toMatchObject({
          name: 'StreamError',
          kind: 'invalid',
          mayHaveSucceeded: false,
        })
        expect(requests).toEqual([])
      },
    )

    test('rejects a meta key that would set policy without a request', async () => {
      const { backend, requests } = await start(plainText('', 201))
      const meta = { ExPiRy: '2099-01-01T00:00:00Z' }
      await expect(backend.createTusUpload({ ...tusParams, meta })).rejects.toThrow(RangeError)
      expect(requests).toEqual([])
    })
  })

  describe('the offset of a tus upload', () => {
    test('is requested without the token', async () => {
      const headers = { 'upload-offset': '5242880', 'upload-length': '300000000' }
      const { backend, requests, url } = await start(plainText('', 200, headers))
      const offset = await backend.readTusOffset(`${url}/tus/abc?tusv2=true`)
      expect(offset).toEqual({ receivedBytes: 5_242_880, totalBytes: 300_000_000 })
      expect(requests[0]).toMatchObject({ method: 'HEAD', url: '/tus/abc?tusv2=true' })
      expect(requests[0]?.headers).toMatchObject({ 'tus-resumable': '1.0.0' })
      expect(JSON.stringify(requests)).not.toContain(apiToken)
    })

    test('may have no length', async () => {
      const { backend, url } = await start(plainText('', 204, { 'upload-offset': '0' }))
      expect(await backend.readTusOffset(url)).toEqual({ receivedBytes: 0, totalBytes: null })
    })

    test.each([400, 401, 403, 404, 410, 460])('is null after a %i', async (status) => {
      const { backend, url } = await start(plainText('', status))
      expect(await backend.readTusOffset(url)).toBeNull()
    })

    test.each(['', 'upload', 'file:///etc/passwd', 'https://name:word@host/'])(
      'is null for %j',
      async (url) => {
        const { backend } = await start(plainText('', 200))
        expect(await backend.readTusOffset(url)).toBeNull()
      },
    )
  })

  describe('an invalid option', () => {
    test.each([
      { accountId: 'a/b' },
      { accountId: '' },
      { apiToken: '' },
      { apiToken: `${apiToken}\n` },
      { baseUrl: 'ftp://host' },
      { baseUrl: 'client/v4' },
      { baseUrl: 'https://name:word@host/' },
      { baseUrl: 'https://host/?x' },
    ])('%j is rejected without its value in the message', (invalid) => {
      const create = () => createRestStreamApi({ accountId, apiToken, ...invalid })
      expect(create).toThrow(RangeError)
      expect(create).not.toThrow(apiToken)
    })
  })
})
