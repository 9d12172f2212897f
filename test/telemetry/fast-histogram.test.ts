/** The fast histogram and prom-client's histogram produce the same output. */
import * as fc from 'fast-check'
import { Histogram, Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { createFastHistogram } from '../../src/telemetry/prometheus/fast-histogram.ts'
import { readScrape } from '../kit/metrics.ts'

const metric = { name: 'response_seconds', help: 'Seconds until a response.' }

it('equals prom-client for arbitrary values and buckets', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.tuple(fc.constantFrom('query', 'mutation'), fc.integer({ min: 0, max: 60 }))),
      async (bounds, values) => {
        const buckets = bounds.toSorted((a, b) => a - b)
        const registry = new Registry()
        const model = new Histogram({
          ...metric,
          labelNames: ['kind'],
          buckets,
          registers: [registry],
        })
        const fast = createFastHistogram({ ...metric, buckets })
        const series = {
          query: fast.series('kind="query"'),
          mutation: fast.series('kind="mutation"'),
        }
        for (const kind of ['query', 'mutation']) model.zero({ kind })
        for (const [kind, value] of values) {
          model.observe({ kind }, value)
          series[kind === 'query' ? 'query' : 'mutation'](value)
        }
        const [actual, expected] = [readScrape(fast.text()), readScrape(await registry.metrics())]
        expect(actual.types).toEqual(expected.types)
        expect(actual.samples).toEqual(expected.samples)
      },
    ),
  )
})
