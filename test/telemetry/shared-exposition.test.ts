/** Scrapes within one second share one exposition. */
import { expect, it } from 'vitest'
import { createMetricsHandler } from '../../src/http/monitoring/metrics.ts'
import { createPrometheusTelemetry } from '../../src/telemetry/prometheus/prometheus-telemetry.ts'
import { createOpenTelemetryTracing } from '../../src/telemetry/opentelemetry.ts'
import { createTestClock } from '../kit/clock.ts'
import { readScrape } from '../kit/metrics.ts'
import { serveInTest, silentLogger } from '../kit/served-gateway.ts'

/** A server of `/metrics` on a stopped clock, whose `headgate_reservations` is the number of its reads. */
async function startMetrics() {
  const clock = createTestClock(() => 0)
  let reads = 0
  const { expose } = createPrometheusTelemetry({
    clock,
    log: silentLogger,
    tracing: createOpenTelemetryTracing(),
    readings: {
      uploadsByStatus: async () => new Map(),
      reservations: async () => (reads += 1),
      quotaUsage: async () => ({ reservedSeconds: 0, storedSeconds: 0 }),
      oldestPollDue: async () => null,
      callbacks: async () => new Map(),
      streamBudgetRemaining: async () => Infinity,
      load: () => ({ inFlight: 0, queued: 0 }),
    },
  })
  const server = await serveInTest({ fetch: createMetricsHandler({ expose, token: null }) })
  const read = async (): Promise<number> =>
    readScrape(await (await fetch(`${server.url}/metrics`)).text()).value('headgate_reservations')
  return { clock, read }
}

it('reads the gauges once for all scrapes of one second, and again afterwards', async () => {
  const { clock, read } = await startMetrics()
  expect(await Promise.all(Array.from({ length: 10 }, read))).toEqual(Array(10).fill(1))
  expect(await read()).toBe(1)
  clock.advance(0.999)
  expect(await read()).toBe(1)
  clock.advance(0.001)
  expect(await read()).toBe(2)
})
