/** Any way to Stream, with each request measured. */
import type { Telemetry } from '../../uploads/ports/telemetry.ts'
import type { StreamBackend } from '../../uploads/ports/stream-api.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'

/**
 * The same backend. Goes inside the budget, so that only what is really sent is measured. Of a request
 * it tells which call it was, how long it took and what kind of trouble there was, and no more.
 */
export function withTelemetry(
  backend: StreamBackend,
  telemetry: Pick<Telemetry, 'streamAnswered' | 'inSpan'>,
): StreamBackend {
  function measured<T>(call: string, work: () => Promise<T>): Promise<T> {
    return telemetry.inSpan(`stream.${call}`, 'client', {}, async (span) => {
      const startedAt = performance.now()
      let outcome = 'ok'
      try {
        return await work()
      } catch (error) {
        outcome = error instanceof StreamError ? error.kind : 'unexpected'
        if (error instanceof StreamError && error.status !== null) {
          span.note({ 'http.response.status_code': error.status })
        }
        throw error
      } finally {
        telemetry.streamAnswered(call, outcome, (performance.now() - startedAt) / 1000)
      }
    })
  }

  return {
    name: backend.name,
    capabilities: backend.capabilities,
    createDirectUpload: (order, signal) =>
      measured('create_direct_upload', () => backend.createDirectUpload(order, signal)),
    createTusUpload: (order, signal) =>
      measured('create_tus_upload', () => backend.createTusUpload(order, signal)),
    findVideo: (uid, signal) => measured('find_video', () => backend.findVideo(uid, signal)),
    listVideos: (query, signal) => measured('list_videos', () => backend.listVideos(query, signal)),
    updateVideo: (uid, change, signal) =>
      measured('update_video', () => backend.updateVideo(uid, change, signal)),
    deleteVideo: (uid, signal) => measured('delete_video', () => backend.deleteVideo(uid, signal)),
    storageUsage: (creator, signal) =>
      measured('storage_usage', () => backend.storageUsage(creator, signal)),
    readTusOffset: (uploadURL, signal) =>
      measured('read_tus_offset', () => backend.readTusOffset(uploadURL, signal)),
    findWebhook: (signal) => measured('find_webhook', () => backend.findWebhook(signal)),
    setWebhook: (url, signal) => measured('set_webhook', () => backend.setWebhook(url, signal)),
    deleteWebhook: (signal) => measured('delete_webhook', () => backend.deleteWebhook(signal)),
  }
}
