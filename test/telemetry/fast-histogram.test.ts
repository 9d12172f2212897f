/** The histogram in plain numbers says what prom-client's says of the same values. */
import * as fc from 'fast-check'
import { Histogram, Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { createFastHistogram } from '../../src/telemetry/prometheus/fast-histogram.ts'
import { readScrape } from '../kit/metrics.ts'

const about = { name: 'answer_seconds', help: 'Seconds until an answer.' }

it('of any values, in any buckets', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }),
      fc.array(fc.tuple(fc.constantFrom('query', 'mutation'), fc.integer({ min: 0, max: 60 }))),
      async (bounds, values) => {
        const buckets = bounds.toSorted((a, b) => a - b)
        const registry = new Registry()
        const model = new Histogram({
          ...about,
          labelNames: ['kind'],
          buckets,
          registers: [registry],
        })
        const plain = createFastHistogram({ ...about, buckets })
        const series = { query: plain.add('kind="query"'), mutation: plain.add('kind="mutation"') }
        for (const kind of ['query', 'mutation']) model.zero({ kind })
        for (const [kind, value] of values) {
          model.observe({ kind }, value)
          series[kind === 'query' ? 'query' : 'mutation'](value)
        }
        const [seen, expected] = [readScrape(plain.text()), readScrape(await registry.metrics())]
        expect(seen.types).toEqual(expected.types)
        expect(seen.samples).toEqual(expected.samples)
      },
    ),
  )
})
