/** Histogram of response times: its memory does not grow with the duration of the run. */

/** Width of a bucket in milliseconds: the resolution. */
const BUCKET_MS = 0.05
/** Longer times are counted in the last bucket. */
const LONGEST_MS = 60_000

export interface Latencies {
  record(ms: number): void
  count(): number
  /** The quantile of this share (0 to 1), in milliseconds; 0 when empty. */
  within(share: number): number
  /** The longest time in milliseconds. */
  longest(): number
}

export function createLatencies(): Latencies {
  const buckets = new Uint32Array(LONGEST_MS / BUCKET_MS + 1)
  let count = 0
  let longest = 0
  return {
    record(ms) {
      const bucket = Math.min(Math.floor(ms / BUCKET_MS), buckets.length - 1)
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
      count += 1
      if (ms > longest) longest = ms
    },
    count: () => count,
    within(share) {
      const wanted = Math.ceil(count * share)
      let seen = 0
      for (const [bucket, found] of buckets.entries()) {
        seen += found
        if (seen >= wanted && found > 0) return Math.min((bucket + 1) * BUCKET_MS, longest)
      }
      return longest
    },
    longest: () => longest,
  }
}
