/** Any way to Stream, inside a budget of requests. */
import type { StreamBackend } from '../../uploads/ports/stream-api.ts'
import type { ApiBudget, Purpose } from './api-budget.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'

/**
 * The same backend, which refuses with `rate-limited` what the budget has no room for, before
 * anything is sent. A 429 of Stream holds everything back for as long as Stream says. Offsets are
 * read at the upload host, which is not part of the API. `always` books every call under one purpose.
 * Where the budget cannot be asked, nothing is sent, and its own error is thrown.
 */
export function withBudget(
  backend: StreamBackend,
  budget: ApiBudget,
  always?: Purpose,
): StreamBackend {
  /** Where that cannot be written down, the refusal is thrown all the same, and says why as its cause. */
  async function holdFor(seconds: number, refusal: StreamError): Promise<void> {
    if (seconds <= 0) return
    try {
      await budget.holdFor(seconds)
    } catch (cause) {
      throw new StreamError(refusal.message, refusal, { cause })
    }
  }

  async function within<T>(purpose: Purpose, call: () => Promise<T>): Promise<T> {
    const wait = await budget.take(always ?? purpose)
    if (wait !== null) throw outOfBudget(wait)
    try {
      return await call()
    } catch (error) {
      // Without Retry-After it is not the limit of requests that was passed, but that of videos in
      // the queue: other calls may go on.
      if (error instanceof StreamError && error.kind === 'rate-limited') {
        await holdFor(error.retryAfterSeconds ?? 0, error)
      }
      throw error
    }
  }

  return {
    name: backend.name,
    capabilities: backend.capabilities,
    createDirectUpload: (order, signal) =>
      within('mutation', () => backend.createDirectUpload(order, signal)),
    createTusUpload: (order, signal) =>
      within('mutation', () => backend.createTusUpload(order, signal)),
    updateVideo: (uid, change, signal) =>
      within('mutation', () => backend.updateVideo(uid, change, signal)),
    deleteVideo: (uid, signal) => within('mutation', () => backend.deleteVideo(uid, signal)),
    storageUsage: (creator, signal) =>
      within('synchronisation', () => backend.storageUsage(creator, signal)),
    findWebhook: (signal) => within('mutation', () => backend.findWebhook(signal)),
    setWebhook: (url, signal) => within('mutation', () => backend.setWebhook(url, signal)),
    deleteWebhook: (signal) => within('mutation', () => backend.deleteWebhook(signal)),
    findVideo: (uid, signal) => within('synchronisation', () => backend.findVideo(uid, signal)),
    listVideos: (query, signal) =>
      within('synchronisation', () => backend.listVideos(query, signal)),
    readTusOffset: (uploadURL, signal) => backend.readTusOffset(uploadURL, signal),
  }
}

function outOfBudget(retryAfterSeconds: number): StreamError {
  return new StreamError("The gateway's budget of requests to Stream is spent for the moment.", {
    kind: 'rate-limited',
    mayHaveHappened: false,
    status: null,
    codes: [],
    retryAfterSeconds,
  })
}
