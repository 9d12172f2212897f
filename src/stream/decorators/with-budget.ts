/** Decorator: every API call consumes budget. */
import type { StreamApi } from '../../uploads/ports/stream-api.ts'
import type { ApiBudget, CallPriority } from './api-budget.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'
import { type StreamCall, wrapCalls } from './wrap-calls.ts'

/** Priority of each call. Null costs no budget: the upload host is not part of the API. */
const PRIORITIES: Readonly<Record<StreamCall, CallPriority | null>> = {
  createDirectUpload: 'mutation',
  createTusUpload: 'mutation',
  updateVideo: 'mutation',
  deleteVideo: 'mutation',
  findWebhook: 'mutation',
  setWebhook: 'mutation',
  deleteWebhook: 'mutation',
  findVideo: 'sync',
  listVideos: 'sync',
  storageUsage: 'sync',
  readTusOffset: null,
}

/**
 * Wraps a StreamApi. Calls beyond the budget reject with `rate-limited` before a request is sent. A
 * 429 with Retry-After blocks the budget for that time. If the budget is unavailable, no request is
 * sent and its error is thrown.
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

  return wrapCalls(streamApi, async (call, run) => {
    const priority = PRIORITIES[call]
    if (priority === null) return run()
    const wait = await budget.consume(always ?? priority)
    if (wait !== null) throw budgetExceededError(wait)
    try {
      return await run()
    } catch (error) {
      // Without Retry-After the 429 is the limit of queued encodings, not of requests: other calls
      // are not blocked.
      if (error instanceof StreamError && error.kind === 'rate-limited') {
        await blockFor(error.retryAfterSeconds ?? 0, error)
      }
      throw error
    }
  })
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
