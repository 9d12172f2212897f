import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLatencies } from './latencies.ts'

test('returns 0 for an empty histogram', () => {
  const latencies = createLatencies()
  expect([latencies.count(), latencies.within(0.99), latencies.longest()]).toEqual([0, 0, 0])
})

test('returns the median and the 99th percentile of 1 to 100 ms', () => {
  const latencies = createLatencies()
  for (let ms = 1; ms <= 100; ms += 1) latencies.record(ms)
  expect(latencies.within(0.5)).toBeCloseTo(50.05)
  expect(latencies.within(0.99)).toBeCloseTo(99.05)
  expect(latencies.within(1)).toBe(100)
})

test('reports a time beyond the last bucket as the longest', () => {
  const latencies = createLatencies()
  latencies.record(90_000)
  expect([latencies.within(0.99), latencies.longest()]).toEqual([60_000.05, 90_000])
})

test('returns quantiles at most one bucket above the exact value, never below it', () => {
  const times = fc.array(fc.double({ min: 0, max: 50_000, noNaN: true }), { minLength: 1 })
  fc.assert(
    fc.property(times, fc.constantFrom(0.5, 0.9, 0.99, 1), (list, share) => {
      const latencies = createLatencies()
      for (const ms of list) latencies.record(ms)
      const exact = list.toSorted((a, b) => a - b)[Math.ceil(list.length * share) - 1] ?? NaN
      expect(latencies.within(share)).toBeGreaterThanOrEqual(exact - 1e-6)
      expect(latencies.within(share)).toBeLessThanOrEqual(exact + 0.05 + 1e-6)
    }),
    { numRuns: 20 },
  )
})
