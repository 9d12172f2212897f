/** Measures the transfer rate over the last seconds. */

const WINDOW_MS = 5000
/** Minimum time span of a measurement in milliseconds. */
const MIN_SPAN_MS = 500

export interface TransferRate {
  /** Adds a sample and returns bytes per second; null with too few samples. */
  see(sentBytes: number, now: number): number | null
  /** Drops all samples, as after a pause. */
  reset(): void
}

export function createTransferRate(): TransferRate {
  let samples: readonly { readonly at: number; readonly bytes: number }[] = []
  return {
    see(bytes, at) {
      const last = samples.at(-1)
      // After a broken connection some bytes are sent again.
      if (last !== undefined && bytes < last.bytes) samples = []
      samples = [...samples.filter((sample) => at - sample.at <= WINDOW_MS), { at, bytes }]
      const [first] = samples
      if (first === undefined || at - first.at < MIN_SPAN_MS) return null
      return ((bytes - first.bytes) * 1000) / (at - first.at)
    },
    reset() {
      samples = []
    },
  }
}
