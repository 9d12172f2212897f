/** The REST adapter against the emulator: the contract, a complete upload, and planned faults. */
import { readVideo } from '../../src/stream/read-video.ts'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startEmulator, type Emulator, type EmulatorOptions } from '../../src/emulator/emulator.ts'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { verifyWebhook } from '../../src/http/webhooks/verify-webhook.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { describeStreamApi } from '../contracts/stream-api.ts'
import { uploadParamsFor } from '../contracts/stream-suite.ts'
import { streamErrorOf } from './stub-failure.ts'
import { plainText, startStubStream } from './stub-stream.ts'
import { openTransports } from './transports.ts'

describe.each(openTransports())('with $name', ({ name, send }) => {
  function backendOf(emulator: Emulator, apiToken = emulator.token): StreamApi {
    const { accountId, apiBaseUrl: baseUrl } = emulator
    return createRestStreamApi({ accountId, apiToken, baseUrl, send })
  }

  async function start(options: EmulatorOptions = {}) {
    const emulator = await startEmulator(options)
    onTestFinished(() => emulator.close())
    async function control(path: string, body: unknown) {
      const url = `${emulator.url}/__emulator/${path}`
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
      expect(response.status).toBe(200)
    }
    return { emulator, backend: backendOf(emulator), control }
  }

  describeStreamApi(`REST with ${name}`, async () => {
    const emulator = await startEmulator()
    return { streamApi: backendOf(emulator), ownsAccount: true, close: () => emulator.close() }
  })

  test('uploads a video, reads it when it is ready, and verifies its webhook', async () => {
    const { backend, control } = await start({ encodeMs: 60_000 })
    const receiver = await startStubStream(plainText('', 200))
    const { secret } = await backend.setWebhook(`${receiver.url}/webhooks/stream`)
    const { uid, uploadURL } = await backend.createDirectUpload(uploadParamsFor('user-1'))

    const form = new FormData()
    form.set('file', new Blob([await readFile('src/demo/testcard.mp4')]), 'testcard.mp4')
    expect((await fetch(uploadURL, { method: 'POST', body: form })).status).toBe(200)
    expect((await backend.findVideo(uid))?.state).toMatch(/^(queued|inprogress)$/)

    const arrival = once(receiver.arrivals, 'request')
    await control('clock', { advanceSeconds: 61 })
    const video = await backend.findVideo(uid)
    expect(video).toMatchObject({ state: 'ready', readyToStream: true, failure: null })
    for (const property of ['sizeBytes', 'durationSeconds', 'width', 'height'] as const)
      expect(video?.[property]).toBeGreaterThan(0)
    for (const url of ['hlsURL', 'dashURL', 'thumbnailURL', 'previewURL'] as const)
      expect(video?.[url]).toMatch(/^http/)
    expect((await backend.storageUsage()).videoCount).toBe(1)

    await arrival
    const [sent] = receiver.requests
    const outcome = await verifyWebhook({
      rawBody: new TextEncoder().encode(sent?.body),
      signature: String(sent?.headers['webhook-signature']),
      secrets: [secret],
      readVideo: (text) => readVideo(JSON.parse(text)),
      now: new Date(Date.now() + 61_000),
    })
    expect(outcome).toMatchObject({ kind: 'verified', video: { uid, state: 'ready' } })
  })

  describe('planned faults', () => {
    test('a creation whose connection closes after the operation has mayHaveSucceeded true', async () => {
      const { backend, control } = await start()
      await control('faults', { on: 'direct_upload', hangUpAfter: true })
      await control('faults', { on: 'tus_create', hangUpAfter: true })
      const expected = { kind: 'unavailable', mayHaveSucceeded: true, status: null }
      const params = uploadParamsFor('user-1')
      expect(await streamErrorOf(backend.createDirectUpload(params))).toMatchObject(expected)
      const tus = backend.createTusUpload({ ...params, sizeBytes: 1000 })
      expect(await streamErrorOf(tus)).toMatchObject(expected)
      expect((await backend.listVideos({ creator: 'user-1' })).total).toBe(2)
    })

    test.each([
      [429, 'rate-limited', false],
      [503, 'unavailable', true],
      [500, 'unavailable', true],
    ])(
      'status %i fails one call, and the next succeeds',
      async (status, kind, mayHaveSucceeded) => {
        const { backend, control } = await start()
        await control('faults', { on: 'direct_upload', status, retryAfterSeconds: 7 })
        const error = await streamErrorOf(backend.createDirectUpload(uploadParamsFor(null)))
        expect(error).toMatchObject({ kind, mayHaveSucceeded, status, retryAfterSeconds: 7 })
        expect(await backend.createDirectUpload(uploadParamsFor(null))).toHaveProperty('uid')
      },
    )

    test('exhausted storage is a quota error', async () => {
      const { backend } = await start({ storageMinutes: 1 })
      await backend.createDirectUpload(uploadParamsFor(null))
      const expected = { kind: 'quota', status: 413, codes: [10011], mayHaveSucceeded: false }
      expect(await streamErrorOf(backend.createDirectUpload(uploadParamsFor(null)))).toMatchObject(
        expected,
      )
      const tus = backend.createTusUpload({ ...uploadParamsFor(null), sizeBytes: 1000 })
      expect(await streamErrorOf(tus)).toMatchObject(expected)
    })

    test('a wrong token is unauthorized, a wrong account is unauthorized or invalid', async () => {
      const { emulator } = await start()
      const unauthenticated = backendOf(emulator, 'another-token')
      const expected = { kind: 'unauthorized', mayHaveSucceeded: false }
      expect(
        await streamErrorOf(unauthenticated.createDirectUpload(uploadParamsFor(null))),
      ).toMatchObject(expected)
      expect(await streamErrorOf(unauthenticated.findVideo('0'.repeat(32)))).toMatchObject(expected)
      const otherAccount = backendOf({ ...emulator, accountId: 'another' })
      expect((await streamErrorOf(otherAccount.findVideo('0'.repeat(32)))).kind).toMatch(
        /^(unauthorized|invalid)$/,
      )
    })
  })
})
