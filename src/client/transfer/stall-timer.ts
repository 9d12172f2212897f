/** Time limits of one request: without a byte that moves, and for the response. */
import type { ClientClock } from '../clock.ts'

/** Milliseconds without a byte that moves, after which a request is cut. */
export const STALL_MS = 30_000

/** Milliseconds for a response, after all bytes have arrived. */
const RESPONSE_MS = 60_000
/**
 * The platform reports bytes as sent when they are in its buffers: at most about this many. The slowest line that
 * is not cut then sends 128 kbit/s.
 */
const BUFFERED_BYTES = 8_388_608
const SLOWEST_BYTES_PER_MS = 16

/** Returns the milliseconds for the response, after the last of these bytes was handed to the platform. */
export function responseLimitMs(bodyBytes: number): number {
  return RESPONSE_MS + Math.min(bodyBytes, BUFFERED_BYTES) / SLOWEST_BYTES_PER_MS
}

export interface StallTimer {
  /** Starts over: `onStalled` is called after this many milliseconds. */
  start(milliseconds: number): void
  stop(): void
}

export function createStallTimer(clock: ClientClock, onStalled: () => void): StallTimer {
  let waiting = new AbortController()

  async function waitFor(milliseconds: number, signal: AbortSignal): Promise<void> {
    await clock.wait(milliseconds, signal)
    if (!signal.aborted) onStalled()
  }

  return {
    start(milliseconds) {
      waiting.abort()
      waiting = new AbortController()
      const { signal } = waiting
      void waitFor(milliseconds, signal)
    },
    stop() {
      waiting.abort()
    },
  }
}
