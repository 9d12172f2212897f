/** The telemetry decorator keeps the contract of the port and reports each call once. */
import { expect, test } from 'vitest'
import { type Emulator, startEmulator } from '../../src/emulator/emulator.ts'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { withTelemetry } from '../../src/stream/decorators/with-telemetry.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { noopTracing } from '../../src/uploads/ports/tracing.ts'
import { describeStreamApi } from '../contracts/stream-api.ts'
import { playbackTokenParamsFor, uploadParamsFor } from '../contracts/stream-suite.ts'
import { startTestEmulator } from '../kit/emulator.ts'

/** The reported calls with their outcomes. */
type Reports = (readonly [call: string, outcome: string])[]

function createReportingStreamApi(
  emulator: Pick<Emulator, 'accountId' | 'apiBaseUrl' | 'token'>,
  reports: Reports,
  apiToken = emulator.token,
): StreamApi {
  const { accountId, apiBaseUrl: baseUrl } = emulator
  return withTelemetry(createRestStreamApi({ accountId, apiToken, baseUrl }), {
    ...noopTracing,
    streamCallCompleted(call, outcome, seconds) {
      expect(seconds).toBeGreaterThan(0)
      reports.push([call, outcome])
    },
  })
}

describeStreamApi('telemetry', async () => {
  const emulator = await startEmulator()
  return {
    streamApi: createReportingStreamApi(emulator, []),
    ownsAccount: true,
    close: () => emulator.close(),
  }
})

test('reports each call once, with its own name', async () => {
  const reports: Reports = []
  const backend = createReportingStreamApi(await startTestEmulator(), reports)
  const basic = await backend.createDirectUpload(uploadParamsFor('ada'))
  const tus = await backend.createTusUpload({ ...uploadParamsFor('ada'), sizeBytes: 5_242_880 })
  await backend.findVideo(basic.uid)
  await backend.listVideos({})
  await backend.updateVideo(basic.uid, { meta: {} })
  await backend.readTusOffset(tus.uploadURL)
  await backend.createPlaybackToken(playbackTokenParamsFor(basic.uid))
  await backend.storageUsage()
  await backend.setWebhook('https://gateway.example.com/webhooks/stream')
  await backend.findWebhook()
  await backend.deleteWebhook()
  await backend.deleteVideo(basic.uid)
  const calls = Object.values(backend).filter((value) => typeof value === 'function').length
  expect(new Set(reports.map(([call]) => call)).size).toBe(calls)
  expect(reports.map(([, outcome]) => outcome)).toEqual(Array.from({ length: calls }, () => 'ok'))
})

test('reports the kind of an error, and rethrows it', async () => {
  const reports: Reports = []
  const emulator = await startTestEmulator()
  await expect(
    createReportingStreamApi(emulator, reports, 'wrong').listVideos({}),
  ).rejects.toMatchObject({
    kind: 'unauthorized',
  })
  await emulator.fault({ on: 'direct_upload', times: 1, status: 503 })
  await expect(
    createReportingStreamApi(emulator, reports).createDirectUpload(uploadParamsFor('ada')),
  ).rejects.toMatchObject({
    kind: 'unavailable',
  })
  const reason = new Error('aborted by the caller')
  const signal = AbortSignal.abort(reason)
  await expect(createReportingStreamApi(emulator, reports).listVideos({}, signal)).rejects.toBe(
    reason,
  )
  expect(reports).toEqual([
    ['list_videos', 'unauthorized'],
    ['create_direct_upload', 'unavailable'],
    ['list_videos', 'unexpected'],
  ])
})
