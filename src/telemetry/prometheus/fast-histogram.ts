/**
 * A histogram in plain numbers for the hot path: prom-client looks up labels at each observation,
 * which costs more than a small query should.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#histograms-and-summaries
 */

export interface FastHistogramOptions {
  readonly name: string
  readonly help: string
  /** Upper bounds of the buckets, ascending; larger values count in `+Inf`. */
  readonly buckets: readonly number[]
}

export interface FastHistogram {
  /**
   * Returns the observe function of a series; adds the series with the first call. `labels` are `name="value"`
   * joined by commas, with values that need no escaping: without quotes, backslashes and line breaks.
   */
  series(labels: string): (value: number) => void
  /** Returns the Prometheus text format. */
  text(): string
}

interface Series {
  readonly labels: string
  /** Values per bucket; the last entry counts values above all bounds. */
  readonly counts: number[]
  sum: number
}

export function createFastHistogram(options: FastHistogramOptions): FastHistogram {
  const { name, help, buckets } = options
  const allSeries: Series[] = []
  const observers = new Map<string, (value: number) => void>()

  /** Bucket counts are cumulative: each includes all lower buckets. */
  function linesOf({ labels, counts, sum }: Series): string[] {
    let total = 0
    const lines = counts.map((count, index) => {
      total += count
      return `${name}_bucket{${labels},le="${buckets[index] ?? '+Inf'}"} ${total}`
    })
    return [...lines, `${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${total}`]
  }

  return {
    series(labels) {
      const known = observers.get(labels)
      if (known !== undefined) return known
      const series: Series = { labels, counts: [...buckets.map(() => 0), 0], sum: 0 }
      allSeries.push(series)
      const { counts } = series
      const observe = (value: number): void => {
        let index = 0
        for (const bound of buckets) {
          if (value <= bound) break
          index += 1
        }
        counts[index] = (counts[index] ?? 0) + 1
        series.sum += value
      }
      observers.set(labels, observe)
      return observe
    },
    text: () =>
      [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} histogram`,
        ...allSeries.flatMap(linesOf),
        '',
      ].join('\n'),
  }
}
