/** The REST adapter against the emulator: the contract, a video's whole way, and planned trouble. */
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
import { caught } from './stub-failure.ts'
import { plain, startStubStream } from './stub-stream.ts'
import { ways } from './transports.ts'

describe.each(ways)('by $way', ({ way, send }) => {
  function backendOf(emulator: Emulator, apiToken = emulator.token): StreamApi {
    const { accountId, apiBaseUrl: baseUrl } = emulator
    return createRestStreamApi({ accountId, apiToken, baseUrl, send })
  }

  async function start(options: EmulatorOptions = {}) {
    const emulator = await startEmulator(options)
    onTestFinished(() => emulator.close())
    async function turn(control: string, body: unknown) {
      const url = `${emulator.url}/__emulator/${control}`
      const headers = { 'content-type': 'application/json' }
      const turned = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
      expect(turned.status).toBe(200)
    }
    return { emulator, backend: backendOf(emulator), turn }
  }

  describeStreamApi(`rest by ${way}`, async () => {
    const emulator = await startEmulator()
    return { streamApi: backendOf(emulator), ownsAccount: true, close: () => emulator.close() }
  })

  test('a video goes its whole way, and its notice is proven', async () => {
    const { backend, turn } = await start({ encodeMs: 60_000 })
    const receiver = await startStubStream(plain('', 200))
    const { secret } = await backend.setWebhook(`${receiver.url}/webhooks/stream`)
    const { uid, uploadURL } = await backend.createDirectUpload(uploadParamsFor('user-1'))

    const form = new FormData()
    form.set('file', new Blob([await readFile('src/demo/testcard.mp4')]), 'testcard.mp4')
    expect((await fetch(uploadURL, { method: 'POST', body: form })).status).toBe(200)
    expect((await backend.findVideo(uid))?.state).toMatch(/^(queued|inprogress)$/)

    const arrival = once(receiver.arrivals, 'request')
    await turn('clock', { advanceSeconds: 61 })
    const video = await backend.findVideo(uid)
    expect(video).toMatchObject({ state: 'ready', readyToStream: true, failure: null })
    for (const fact of ['sizeBytes', 'durationSeconds', 'width', 'height'] as const)
      expect(video?.[fact]).toBeGreaterThan(0)
    for (const address of ['hlsURL', 'dashURL', 'thumbnailURL', 'previewURL'] as const)
      expect(video?.[address]).toMatch(/^http/)
    expect((await backend.storageUsage()).videoCount).toBe(1)

    await arrival
    const [sent] = receiver.seen
    const outcome = await verifyWebhook({
      rawBody: new TextEncoder().encode(sent?.body),
      signature: String(sent?.headers['webhook-signature']),
      secrets: [secret],
      readVideo: (text) => readVideo(JSON.parse(text)),
      now: new Date(Date.now() + 61_000),
    })
    expect(outcome).toMatchObject({ kind: 'verified', video: { uid, state: 'ready' } })
  })

  describe('planned trouble', () => {
    test('a creation cut off after the work: it may have happened, and it has', async () => {
      const { backend, turn } = await start()
      await turn('faults', { on: 'direct_upload', hangUpAfter: true })
      await turn('faults', { on: 'tus_create', hangUpAfter: true })
      const expected = { kind: 'unavailable', mayHaveSucceeded: true, status: null }
      const order = uploadParamsFor('user-1')
      expect(await caught(backend.createDirectUpload(order))).toMatchObject(expected)
      const tus = backend.createTusUpload({ ...order, sizeBytes: 1000 })
      expect(await caught(tus)).toMatchObject(expected)
      expect((await backend.listVideos({ creator: 'user-1' })).total).toBe(2)
    })

    test.each([
      [429, 'rate-limited', false],
      [503, 'unavailable', true],
      [500, 'unavailable', true],
    ])('status %i, and then all is well', async (status, kind, mayHaveSucceeded) => {
      const { backend, turn } = await start()
      await turn('faults', { on: 'direct_upload', status, retryAfterSeconds: 7 })
      const error = await caught(backend.createDirectUpload(uploadParamsFor(null)))
      expect(error).toMatchObject({ kind, mayHaveSucceeded, status, retryAfterSeconds: 7 })
      expect(await backend.createDirectUpload(uploadParamsFor(null))).toHaveProperty('uid')
    })

    test('storage that is spent', async () => {
      const { backend } = await start({ storageMinutes: 1 })
      await backend.createDirectUpload(uploadParamsFor(null))
      const expected = { kind: 'quota', status: 413, codes: [10011], mayHaveSucceeded: false }
      expect(await caught(backend.createDirectUpload(uploadParamsFor(null)))).toMatchObject(
        expected,
      )
      const tus = backend.createTusUpload({ ...uploadParamsFor(null), sizeBytes: 1000 })
      expect(await caught(tus)).toMatchObject(expected)
    })

    test('a token, or an account, that is not accepted', async () => {
      const { emulator } = await start()
      const wrong = backendOf(emulator, 'another-token')
      const expected = { kind: 'unauthorized', mayHaveSucceeded: false }
      expect(await caught(wrong.createDirectUpload(uploadParamsFor(null)))).toMatchObject(expected)
      expect(await caught(wrong.findVideo('0'.repeat(32)))).toMatchObject(expected)
      const elsewhere = backendOf({ ...emulator, accountId: 'another' })
      expect((await caught(elsewhere.findVideo('0'.repeat(32)))).kind).toMatch(
        /^(unauthorized|invalid)$/,
      )
    })
  })
})
