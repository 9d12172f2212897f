/** When something is tried again, and after how long: once for minting, sending and watching. */
import type { ClientClock } from './clock.ts'
import { UploadError } from './upload-error.ts'

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
/** The gateway counts a minute; whoever is told to wait longer should hear of it instead. */
const LONGEST_RATE_WAIT_SECONDS = 60

/** What trying again needs. */
export interface Patience {
  readonly clock: ClientClock
  /** How often in a row something is tried again before it fails. */
  readonly retries: number
}

/** The outcome of the first attempt that succeeds; what the last one, or a hopeless one, threw. */
export async function tryAgain<T>(
  patience: Patience,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await attempt()
    } catch (error) {
      await waitAfter(patience, signal, error, failures)
    }
  }
}

/**
 * Waits as long as is right after this failure.
 * @param failures how many there were in a row before it
 * @throws the error itself where trying again is no use; the signal's reason on abort
 */
export async function waitAfter(
  { clock, retries }: Patience,
  signal: AbortSignal | undefined,
  error: unknown,
  failures: number,
): Promise<void> {
  signal?.throwIfAborted()
  const pause = failures < retries ? pauseAfter(error, failures) : null
  if (pause === null) throw error
  await waitOnline(clock, pause, signal)
  signal?.throwIfAborted()
}

/** Milliseconds; null where trying again is no use. */
function pauseAfter(error: unknown, failures: number): number | null {
  if (!(error instanceof UploadError)) return null
  switch (error.code) {
    case 'NETWORK':
      return backOff(failures)
    case 'GATEWAY_FAILED':
    case 'STREAM_UNAVAILABLE':
    case 'STREAM_REJECTED':
      return error.retryable ? backOff(failures) : null
    case 'RATE_LIMITED':
      return error.retryAfterSeconds <= LONGEST_RATE_WAIT_SECONDS
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
    case 'EMPTY_FILE':
      return null
  }
}

/** Doubles from half a second to half a minute, less up to half, so that not all come back at once. */
function backOff(failures: number): number {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 16))
  return pause * (1 - Math.random() / 2)
}

/** Waits so long, or until the browser says that it is online again. */
async function waitOnline(
  clock: ClientClock,
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const over = new AbortController()
  const end = (): void => over.abort()
  const target = typeof globalThis.addEventListener === 'function' ? globalThis : null
  target?.addEventListener('online', end)
  signal?.addEventListener('abort', end)
  if (signal?.aborted === true) end()
  await clock.wait(milliseconds, over.signal)
  target?.removeEventListener('online', end)
  signal?.removeEventListener('abort', end)
}
