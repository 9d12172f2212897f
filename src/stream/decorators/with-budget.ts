/** Decorator: consumes budget for every API call. */
import type { StreamApi } from '../../uploads/ports/stream-api.ts'
import type { ApiBudget, CallPriority } from './api-budget.ts'
import { StreamError } from '../../uploads/ports/stream-error.ts'
import { type StreamCall, wrapCalls } from './wrap-calls.ts'

/** Priority of each call; null for a call that consumes no budget, because the upload host is not part of the API. */
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
  createPlaybackToken: 'sync',
  storageUsage: 'sync',
  readTusOffset: null,
}

/**
 * Wraps a StreamApi. Calls beyond the budget reject with `rate-limited` before a request is sent. A
 * 429 with Retry-After blocks the budget for that time. If consuming budget fails, no request is sent
 * and the call rejects with that error.
 * @param always priority of every call, instead of the default of each call
 */
export function withBudget(
  streamApi: StreamApi,
  budget: ApiBudget,
  always?: CallPriority,
): StreamApi {
  /** Blocks the budget. If that fails, throws the 429 error with the failure as its cause. */
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
      // A 429 without Retry-After means that too many videos wait for encoding. It must not block other calls.
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
