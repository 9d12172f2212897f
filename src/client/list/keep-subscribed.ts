/** Keeps one subscription open: connects again after every interruption. */
import { networkError } from '../gateway/request.ts'
import { type RetryPolicy, backOff } from '../retry.ts'
import { untilVisible, whenHiddenFor } from './page-visibility.ts'

/** A page hidden for so many milliseconds disconnects: over HTTP/1.1, a browser opens six connections for all tabs. */
const HIDDEN_MS = 30_000
/** After a connection of so many milliseconds, the backoff starts again at its minimum. */
const STABLE_MS = 15_000

export interface SubscriptionListener<T> {
  readonly onEvent: (event: T) => void
  /** Receives why a connection could not be opened; null if it was open and is lost. */
  readonly onLost: (error: unknown) => void
}

/**
 * Receives events until the signal aborts. Retries all errors, because a later token may be accepted.
 * @param open opens a connection, and ends it on abort
 */
export async function keepSubscribed<T>(
  { clock }: Pick<RetryPolicy, 'clock'>,
  open: (signal: AbortSignal) => AsyncIterable<T>,
  { onEvent, onLost }: SubscriptionListener<T>,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; ; failures += 1) {
    await untilVisible(signal)
    if (signal.aborted) return
    const openedAt = clock.now().getTime()
    const connection = new AbortController()
    const disconnect = (): void => connection.abort()
    signal.addEventListener('abort', disconnect)
    const stopWatching = whenHiddenFor(clock, HIDDEN_MS, disconnect)
    let lostBy: unknown = networkError()
    try {
      for await (const event of open(connection.signal)) {
        if (connection.signal.aborted) break
        lostBy = null
        onEvent(event)
      }
    } catch (error) {
      lostBy = lostBy === null || connection.signal.aborted ? null : error
    } finally {
      stopWatching()
      signal.removeEventListener('abort', disconnect)
      disconnect()
    }
    if (signal.aborted) return
    onLost(lostBy)
    if (clock.now().getTime() - openedAt > STABLE_MS) failures = 0
    await backOff(clock, failures, signal)
  }
}
