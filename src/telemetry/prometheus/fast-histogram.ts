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
   * Adds a series and returns its observe function. `labels` are `name="value"` joined by commas,
   * with values of letters, digits and `_`, which need no escaping. Add each series once.
   */
  add(labels: string): (value: number) => void
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
    add(labels) {
      const series: Series = { labels, counts: [...buckets.map(() => 0), 0], sum: 0 }
      allSeries.push(series)
      const { counts } = series
      return (value) => {
        let index = 0
        for (const bound of buckets) {
          if (value <= bound) break
          index += 1
        }
        counts[index] = (counts[index] ?? 0) + 1
        series.sum += value
      }
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
