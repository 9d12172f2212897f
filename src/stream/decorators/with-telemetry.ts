/** Decorator: measures duration and outcome of every call. */
import type { Telemetry } from '../../uploads/ports/telemetry.ts'
import type { StreamApi } from '../../uploads/ports/stream-api.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'

/**
 * Wraps a StreamApi. Place it inside the budget, so that only requests that are sent are measured.
 * It records the call's name, duration and error kind, nothing else.
 */
export function withTelemetry(
  streamApi: StreamApi,
  telemetry: Pick<Telemetry, 'streamCallCompleted' | 'inSpan'>,
): StreamApi {
  function measured<T>(call: string, work: () => Promise<T>): Promise<T> {
    return telemetry.inSpan(`stream.${call}`, 'client', {}, async (span) => {
      const startedAt = performance.now()
      let outcome = 'ok'
      try {
        return await work()
      } catch (error) {
        outcome = error instanceof StreamError ? error.kind : 'unexpected'
        if (error instanceof StreamError && error.status !== null) {
          span.setAttributes({ 'http.response.status_code': error.status })
        }
        throw error
      } finally {
        telemetry.streamCallCompleted(call, outcome, (performance.now() - startedAt) / 1000)
      }
    })
  }

  return {
    name: streamApi.name,
    capabilities: streamApi.capabilities,
    createDirectUpload: (params, signal) =>
      measured('create_direct_upload', () => streamApi.createDirectUpload(params, signal)),
    createTusUpload: (params, signal) =>
      measured('create_tus_upload', () => streamApi.createTusUpload(params, signal)),
    findVideo: (uid, signal) => measured('find_video', () => streamApi.findVideo(uid, signal)),
    listVideos: (query, signal) =>
      measured('list_videos', () => streamApi.listVideos(query, signal)),
    updateVideo: (uid, change, signal) =>
      measured('update_video', () => streamApi.updateVideo(uid, change, signal)),
    deleteVideo: (uid, signal) =>
      measured('delete_video', () => streamApi.deleteVideo(uid, signal)),
    storageUsage: (creator, signal) =>
      measured('storage_usage', () => streamApi.storageUsage(creator, signal)),
    readTusOffset: (uploadURL, signal) =>
      measured('read_tus_offset', () => streamApi.readTusOffset(uploadURL, signal)),
    findWebhook: (signal) => measured('find_webhook', () => streamApi.findWebhook(signal)),
    setWebhook: (url, signal) => measured('set_webhook', () => streamApi.setWebhook(url, signal)),
    deleteWebhook: (signal) => measured('delete_webhook', () => streamApi.deleteWebhook(signal)),
  }
}
