/** Decorator: every API call consumes budget. */
import type { StreamApi } from '../../uploads/ports/stream-api.ts'
import type { ApiBudget, CallPriority } from './api-budget.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'

/**
 * Wraps a StreamApi. Calls beyond the budget reject with `rate-limited` before a request is sent. A
 * 429 with Retry-After blocks the budget for that time. tus offsets cost nothing, because the upload
 * host is not part of the API. If the budget is unavailable, no request is sent and its error is
 * thrown.
 * @param always priority of every call, in place of the call's own
 */
export function withBudget(
  streamApi: StreamApi,
  budget: ApiBudget,
  always?: CallPriority,
): StreamApi {
  /** If blocking the budget fails, the 429 is thrown with that failure as its cause. */
  async function blockFor(seconds: number, rateLimitError: StreamError): Promise<void> {
    if (seconds <= 0) return
    try {
      await budget.blockFor(seconds)
    } catch (cause) {
      throw new StreamError(rateLimitError.message, rateLimitError, { cause })
    }
  }

  async function withinBudget<T>(priority: CallPriority, call: () => Promise<T>): Promise<T> {
    const wait = await budget.consume(always ?? priority)
    if (wait !== null) throw budgetExceededError(wait)
    try {
      return await call()
    } catch (error) {
      // Without Retry-After the 429 is the limit of queued encodings, not of requests: other calls
      // are not blocked.
      if (error instanceof StreamError && error.kind === 'rate-limited') {
        await blockFor(error.retryAfterSeconds ?? 0, error)
      }
      throw error
    }
  }

  return {
    name: streamApi.name,
    capabilities: streamApi.capabilities,
    createDirectUpload: (params, signal) =>
      withinBudget('mutation', () => streamApi.createDirectUpload(params, signal)),
    createTusUpload: (params, signal) =>
      withinBudget('mutation', () => streamApi.createTusUpload(params, signal)),
    updateVideo: (uid, change, signal) =>
      withinBudget('mutation', () => streamApi.updateVideo(uid, change, signal)),
    deleteVideo: (uid, signal) =>
      withinBudget('mutation', () => streamApi.deleteVideo(uid, signal)),
    storageUsage: (creator, signal) =>
      withinBudget('sync', () => streamApi.storageUsage(creator, signal)),
    findWebhook: (signal) => withinBudget('mutation', () => streamApi.findWebhook(signal)),
    setWebhook: (url, signal) => withinBudget('mutation', () => streamApi.setWebhook(url, signal)),
    deleteWebhook: (signal) => withinBudget('mutation', () => streamApi.deleteWebhook(signal)),
    findVideo: (uid, signal) => withinBudget('sync', () => streamApi.findVideo(uid, signal)),
    listVideos: (query, signal) => withinBudget('sync', () => streamApi.listVideos(query, signal)),
    readTusOffset: (uploadURL, signal) => streamApi.readTusOffset(uploadURL, signal),
  }
}

function budgetExceededError(retryAfterSeconds: number): StreamError {
  return new StreamError("The gateway's budget of requests to Stream is used up.", {
    kind: 'rate-limited',
    mayHaveSucceeded: false,
    status: null,
    codes: [],
    retryAfterSeconds,
  })
}
