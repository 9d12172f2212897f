/** Helper of the decorators: wraps every call of a StreamApi in one function. */
import type { StreamApi } from '../../uploads/ports/stream-api.ts'

/** Name of a call of the port. */
export type StreamCall = Exclude<keyof StreamApi, 'name' | 'capabilities'>

/** Runs a call, with the work of the decorator before and after it. `run` sends the request. */
export type AroundCall = <T>(call: StreamCall, run: () => Promise<T>) => Promise<T>

/**
 * Returns a StreamApi that passes every call to `around`. The calls are listed one by one, so that a missing
 * call is a type error.
 */
export function wrapCalls(api: StreamApi, around: AroundCall): StreamApi {
  return {
    name: api.name,
    capabilities: api.capabilities,
    createDirectUpload: (...args) =>
      around('createDirectUpload', () => api.createDirectUpload(...args)),
    createTusUpload: (...args) => around('createTusUpload', () => api.createTusUpload(...args)),
    findVideo: (...args) => around('findVideo', () => api.findVideo(...args)),
    listVideos: (...args) => around('listVideos', () => api.listVideos(...args)),
    updateVideo: (...args) => around('updateVideo', () => api.updateVideo(...args)),
    deleteVideo: (...args) => around('deleteVideo', () => api.deleteVideo(...args)),
    createPlaybackToken: (...args) =>
      around('createPlaybackToken', () => api.createPlaybackToken(...args)),
    storageUsage: (...args) => around('storageUsage', () => api.storageUsage(...args)),
    readTusOffset: (...args) => around('readTusOffset', () => api.readTusOffset(...args)),
    findWebhook: (...args) => around('findWebhook', () => api.findWebhook(...args)),
    setWebhook: (...args) => around('setWebhook', () => api.setWebhook(...args)),
    deleteWebhook: (...args) => around('deleteWebhook', () => api.deleteWebhook(...args)),
  }
}
