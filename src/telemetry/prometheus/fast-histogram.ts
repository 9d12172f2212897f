/**
 * A histogram in plain numbers, for what is measured with every request: prom-client looks its labels
 * up at each observation, and that costs more than answering a small query should.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#histograms-and-summaries
 */

export interface PlainHistogramOptions {
  readonly name: string
  readonly help: string
  /** Upper bounds of the buckets, rising; what is above the last is counted all the same. */
  readonly buckets: readonly number[]
}

export interface PlainHistogram {
  /**
   * Adds the series with these labels, `name="value"` joined by commas, and returns what observes a
   * value of it. To be added once; the values must need no escaping: letters, digits and `_`.
   */
  add(labels: string): (value: number) => void
  /** As Prometheus reads it. */
  text(): string
}

interface Series {
  readonly labels: string
  /** How many values fell into each bucket; one more for those above all of them. */
  readonly counts: number[]
  sum: number
}

export function createPlainHistogram(options: PlainHistogramOptions): PlainHistogram {
  const { name, help, buckets } = options
  const all: Series[] = []

  /** Each bucket counts all values up to its bound, and so those of the buckets before it. */
  function linesOf({ labels, counts, sum }: Series): string[] {
    let total = 0
    const lines = counts.map((count, place) => {
      total += count
      return `${name}_bucket{${labels},le="${buckets[place] ?? '+Inf'}"} ${total}`
    })
    return [...lines, `${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${total}`]
  }

  return {
    add(labels) {
      const series: Series = { labels, counts: [...buckets.map(() => 0), 0], sum: 0 }
      all.push(series)
      const { counts } = series
      return (value) => {
        let place = 0
        for (const bound of buckets) {
          if (value <= bound) break
          place += 1
        }
        counts[place] = (counts[place] ?? 0) + 1
        series.sum += value
      }
    },
    text: () =>
      [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`, ...all.flatMap(linesOf), ''].join(
        '\n',
      ),
  }
}
