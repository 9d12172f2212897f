/** Retries with exponential backoff, for minting, sending and watching. */
import type { ClientClock } from './clock.ts'
import { UploadError } from './upload-error.ts'

const INITIAL_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 30_000
/** Maximum wait for a rate limit. The gateway's rate window is a minute; a longer wait is reported as an error. */
const MAX_RATE_LIMIT_WAIT_SECONDS = 60

/** Clock and retry limit. */
export interface RetryPolicy {
  readonly clock: ClientClock
  /** Maximum consecutive retries; then the last error is thrown. */
  readonly retries: number
}

/** Returns the result of the first successful attempt. Throws a permanent error, or the last one after all retries. */
export async function retry<T>(
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await attempt()
    } catch (error) {
      await waitBeforeRetry(policy, signal, error, failures)
    }
  }
}

/**
 * Waits for the backoff after this error.
 * @param failures consecutive failures before this error
 * @throws the error itself if a retry is useless; the signal's reason on abort
 */
export async function waitBeforeRetry(
  { clock, retries }: RetryPolicy,
  signal: AbortSignal | undefined,
  error: unknown,
  failures: number,
): Promise<void> {
  signal?.throwIfAborted()
  const backoffMs = failures < retries ? backoffAfter(error, failures) : null
  if (backoffMs === null) throw error
  await waitOnline(clock, backoffMs, signal)
  signal?.throwIfAborted()
}

/**
 * Waits before the next attempt to connect, 0.25 to 30 seconds, or until the browser fires `online`. Returns on abort.
 * @param failures consecutive failures before this one
 */
export function backOff(clock: ClientClock, failures: number, signal: AbortSignal): Promise<void> {
  return waitOnline(clock, exponentialBackoff(failures), signal)
}

/** Whether the same request may succeed later, by its status alone. */
export function isTemporaryStatus(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429
}

/** Whether another attempt may succeed. */
export function isRetryable(error: unknown): boolean {
  return backoffAfter(error, 0) !== null
}

/** Returns the backoff in milliseconds; null if a retry is useless. */
function backoffAfter(error: unknown, failures: number): number | null {
  if (!(error instanceof UploadError)) return null
  switch (error.code) {
    case 'NETWORK':
      return exponentialBackoff(failures)
    case 'GATEWAY_FAILED':
    case 'STREAM_UNAVAILABLE':
    case 'STREAM_REJECTED':
      return error.retryable ? exponentialBackoff(failures) : null
    case 'RATE_LIMITED':
      return error.retryAfterSeconds <= MAX_RATE_LIMIT_WAIT_SECONDS
        ? error.retryAfterSeconds * 1000
        : null
    case 'INVALID_INPUT':
    case 'QUOTA_EXCEEDED':
    case 'FORBIDDEN':
    case 'IDEMPOTENCY_CONFLICT':
    case 'UNAUTHENTICATED':
    case 'UPLOAD_NOT_FOUND':
    case 'VIDEO_FAILED':
    case 'EXPIRED':
    case 'DELETED':
    case 'FILE_TOO_LARGE':
    case 'VIDEO_TOO_LONG':
    case 'EMPTY_FILE':
    case 'SOURCE_FAILED':
    case 'SOURCE_CONSUMED':
      return null
  }
}

/** Returns the backoff, which doubles from 0.5 to 30 seconds. Up to half is subtracted as random jitter. */
function exponentialBackoff(failures: number): number {
  const backoffMs = Math.min(MAX_BACKOFF_MS, INITIAL_BACKOFF_MS * 2 ** Math.min(failures, 16))
  return backoffMs * (1 - Math.random() / 2)
}

/** Waits for this many milliseconds, or until the browser fires `online`. */
async function waitOnline(
  clock: ClientClock,
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const waitController = new AbortController()
  const end = (): void => waitController.abort()
  const target = typeof globalThis.addEventListener === 'function' ? globalThis : null
  target?.addEventListener('online', end)
  signal?.addEventListener('abort', end)
  if (signal?.aborted === true) end()
  await clock.wait(milliseconds, waitController.signal)
  target?.removeEventListener('online', end)
  signal?.removeEventListener('abort', end)
}
