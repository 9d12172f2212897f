/** A measured way to Stream is the same way: it keeps every promise, and tells of each request once. */
import { expect, test } from 'vitest'
import { type Emulator, startEmulator } from '../../src/emulator/emulator.ts'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { withTelemetry } from '../../src/stream/decorators/with-telemetry.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { noopTracing } from '../../src/uploads/ports/tracing.ts'
import { describeStreamApi } from '../contracts/stream-api.ts'
import { uploadParamsFor } from '../contracts/stream-suite.ts'
import { startTestEmulator } from '../kit/emulator.ts'

/** What was told: call and outcome. */
type Told = (readonly [call: string, outcome: string])[]

function measured(
  emulator: Pick<Emulator, 'accountId' | 'apiBaseUrl' | 'token'>,
  told: Told,
  apiToken = emulator.token,
): StreamApi {
  const { accountId, apiBaseUrl: baseUrl } = emulator
  return withTelemetry(createRestStreamApi({ accountId, apiToken, baseUrl }), {
    ...noopTracing,
    streamCallCompleted(call, outcome, seconds) {
      expect(seconds).toBeGreaterThan(0)
      told.push([call, outcome])
    },
  })
}

describeStreamApi('a measured way', async () => {
  const emulator = await startEmulator()
  return { streamApi: measured(emulator, []), ownsAccount: true, close: () => emulator.close() }
})

test('each request is told once, by a name of its own', async () => {
  const told: Told = []
  const backend = measured(await startTestEmulator(), told)
  const basic = await backend.createDirectUpload(uploadParamsFor('ada'))
  const tus = await backend.createTusUpload({ ...uploadParamsFor('ada'), sizeBytes: 5_242_880 })
  await backend.findVideo(basic.uid)
  await backend.listVideos({})
  await backend.updateVideo(basic.uid, { meta: {} })
  await backend.readTusOffset(tus.uploadURL)
  await backend.storageUsage()
  await backend.setWebhook('https://gateway.example.com/webhooks/stream')
  await backend.findWebhook()
  await backend.deleteWebhook()
  await backend.deleteVideo(basic.uid)
  const calls = Object.values(backend).filter((value) => typeof value === 'function').length
  expect(new Set(told.map(([call]) => call)).size).toBe(calls)
  expect(told.map(([, outcome]) => outcome)).toEqual(Array.from({ length: calls }, () => 'ok'))
})

test('trouble is told by its kind, and thrown on', async () => {
  const told: Told = []
  const emulator = await startTestEmulator()
  await expect(measured(emulator, told, 'wrong').listVideos({})).rejects.toMatchObject({
    kind: 'unauthorized',
  })
  await emulator.fault({ on: 'direct_upload', times: 1, status: 503 })
  await expect(
    measured(emulator, told).createDirectUpload(uploadParamsFor('ada')),
  ).rejects.toMatchObject({
    kind: 'unavailable',
  })
  const reason = new Error('the caller is gone')
  const signal = AbortSignal.abort(reason)
  await expect(measured(emulator, told).listVideos({}, signal)).rejects.toBe(reason)
  expect(told).toEqual([
    ['list_videos', 'unauthorized'],
    ['create_direct_upload', 'unavailable'],
    ['list_videos', 'unexpected'],
  ])
})
