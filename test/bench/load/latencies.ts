/** How long answers took, in buckets: a run of minutes needs no more memory than one of seconds. */

/** Milliseconds of one bucket: the finest difference that is told. */
const BUCKET_MS = 0.05
/** Whatever took longer stands in the last bucket. */
const LONGEST_MS = 60_000

export interface Latencies {
  record(ms: number): void
  count(): number
  /** The time within which this share (0 to 1) was answered, in milliseconds; 0 where nothing was. */
  within(share: number): number
  /** The longest of all. */
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
