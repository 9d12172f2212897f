/** Decorator: records duration and outcome of every call. */
import type { Telemetry } from '../../uploads/ports/telemetry.ts'
import type { StreamApi } from '../../uploads/ports/stream-api.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'
import { type StreamCall, wrapCalls } from './wrap-calls.ts'

/** Names of the calls in metrics and spans. */
const NAMES: Readonly<Record<StreamCall, string>> = {
  createDirectUpload: 'create_direct_upload',
  createTusUpload: 'create_tus_upload',
  findVideo: 'find_video',
  listVideos: 'list_videos',
  updateVideo: 'update_video',
  deleteVideo: 'delete_video',
  createPlaybackToken: 'create_playback_token',
  storageUsage: 'storage_usage',
  readTusOffset: 'read_tus_offset',
  findWebhook: 'find_webhook',
  setWebhook: 'set_webhook',
  deleteWebhook: 'delete_webhook',
}

/**
 * Wraps a StreamApi. `withBudget` must wrap the result, so that only requests that are sent are measured.
 * Records the call's name, duration, error kind and the HTTP status of an error, but no data.
 */
export function withTelemetry(
  streamApi: StreamApi,
  telemetry: Pick<Telemetry, 'streamCallCompleted' | 'inSpan'>,
): StreamApi {
  return wrapCalls(streamApi, (call, run) => {
    const name = NAMES[call]
    return telemetry.inSpan(`stream.${name}`, 'client', {}, async (span) => {
      const startedAt = performance.now()
      let outcome = 'ok'
      try {
        return await run()
      } catch (error) {
        outcome = error instanceof StreamError ? error.kind : 'unexpected'
        if (error instanceof StreamError && error.status !== null) {
          span.setAttributes({ 'http.response.status_code': error.status })
        }
        throw error
      } finally {
        telemetry.streamCallCompleted(name, outcome, (performance.now() - startedAt) / 1000)
      }
    })
  })
}
