/** How fast bytes go, over the last few seconds. */

const WINDOW_MS = 5000
/** Less time than this says nothing of the speed. */
const LEAST_MS = 500

export interface Speedometer {
  /** Bytes a second; null where too little was seen. */
  see(sentBytes: number, now: number): number | null
  /** After a pause, what was before it does not count. */
  reset(): void
}

export function createSpeedometer(): Speedometer {
  let seen: readonly { readonly at: number; readonly bytes: number }[] = []
  return {
    see(bytes, at) {
      const last = seen.at(-1)
      // A connection that broke sends some of it again.
      if (last !== undefined && bytes < last.bytes) seen = []
      seen = [...seen.filter((one) => at - one.at <= WINDOW_MS), { at, bytes }]
      const [first] = seen
      if (first === undefined || at - first.at < LEAST_MS) return null
      return ((bytes - first.bytes) * 1000) / (at - first.at)
    },
    reset() {
      seen = []
    },
  }
}
