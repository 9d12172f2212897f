/** Memory growth in ten minutes at half of the maximum rate, while subscribers connect and disconnect. */
import { setTimeout as pause } from 'node:timers/promises'
import { withServer } from '../compare-servers.ts'
import { residentBytes } from '../cpu.ts'
import { createEntry, roundOf } from '../entry.ts'
import { slopeOf } from '../slope.ts'
import { type LoadGenerator, startLoadGenerator } from '../load/drive.ts'
import { targetOf } from '../load/requests.ts'
import type { UnsubscribeResult, Measured } from '../load/work.ts'
import { readOne, prepareRequests } from '../operations.ts'
import type { Server } from '../processes.ts'
import { uidOf } from '../seed.ts'
import { type Setup, startFakeStream, startGateway } from '../setup.ts'
import { bearer } from '../tokens.ts'
import { CONNECTIONS } from './drive-all.ts'
import type { Row } from './row.ts'
import { seededCopy } from './seeded.ts'

const MINUTE_MS = 60_000
const LENGTH_MS = 10 * MINUTE_MS
/** Memory is sampled from here on: caches are full and code is compiled. */
const SAMPLES_FROM_MS = 3 * MINUTE_MS
const INTERVAL_MS = 1000
const SUBSCRIBERS = 500
/** Subscribers closed, and as many opened, per second. */
const CHURN_PER_SECOND = 20

export const soak: Row = {
  name: 'soak',
  partOf: 'full',
  needsPeers: false,
  run: (setup) =>
    withServer(
      () => startFakeStream(setup),
      async (stream) => {
        const file = await seededCopy(setup, 'soak')
        return withServer(
          () => startGateway(setup, file, stream),
          async (server) => [await runSoak(setup, server)],
        )
      },
    ),
}

async function runSoak(setup: Setup, server: Server) {
  const { load, log, firstWarmUpMs, windowMs } = setup
  const source = { kind: 'list' as const, requests: prepareRequests(2000, (at) => readOne(at * 5)) }
  const params = { target: targetOf(server.url), source, connections: CONNECTIONS, pid: server.pid }
  const { rate } = await load.closedLoop({ ...params, warmUpMs: firstWarmUpMs, windowMs })
  log(`maximum rate: ${rate.toFixed(0)} per second; half of it for ${LENGTH_MS / MINUTE_MS} min`)
  // A second load generator, because each executes one work message at a time.
  const subscriberLoad = startLoadGenerator()
  try {
    await subscribeAll(subscriberLoad, server)
    const stop = new AbortController()
    const samples = sampleMemory(server.pid, stop.signal)
    const measured = await load.openLoop({
      ...params,
      perSecond: rate / 2,
      connections: 10 * CONNECTIONS,
      warmUpMs: 0,
      windowMs: LENGTH_MS,
    })
    stop.abort()
    const unsubscribeResult = await subscriberLoad.unsubscribe('soak')
    return entryOf(await samples, measured, unsubscribeResult)
  } finally {
    subscriberLoad.end()
  }
}

async function subscribeAll(subscriberLoad: LoadGenerator, server: Server): Promise<void> {
  const tokens = Array.from({ length: SUBSCRIBERS }, (_, at) =>
    bearer(`watcher-${at % 10}`, 'uploads:admin'),
  )
  const target = targetOf(server.url)
  await subscriberLoad.subscribe({ group: 'soak', transport: 'sse', target, tokens, uid: uidOf(0) })
  await subscriberLoad.churn('soak', CHURN_PER_SECOND)
}

/** Minutes since the start, and resident megabytes. */
type MemorySample = readonly [minutes: number, megabytes: number]

async function sampleMemory(pid: number, stop: AbortSignal): Promise<readonly MemorySample[]> {
  const startedAt = performance.now()
  const samples: MemorySample[] = []
  while (!stop.aborted) {
    const bytes = residentBytes(pid)
    const elapsed = performance.now() - startedAt
    if (bytes !== null && elapsed >= SAMPLES_FROM_MS) {
      samples.push([elapsed / MINUTE_MS, bytes / 1e6])
    }
    await pause(INTERVAL_MS)
  }
  return samples
}

function entryOf(
  samples: readonly MemorySample[],
  measured: Measured,
  { count, lost, firstLost }: UnsubscribeResult,
) {
  const [first, last] = [samples[0]?.[1] ?? NaN, samples.at(-1)?.[1] ?? NaN]
  return createEntry({
    row: 'growth after minute 3 at half capacity',
    unit: 'MB/min',
    rounds: [roundOf(measured, slopeOf(samples))],
    peer: null,
    target: { atMost: 1 },
    problems: [
      ...(measured.rejected.count > 0 ? [`${measured.rejected.count} requests were rejected`] : []),
      ...(lost > 0
        ? [`the gateway closed ${lost} subscribers, the first: ${String(firstLost)}`]
        : []),
    ],
    isRatio: false,
    notes: [
      `${measured.accepted.count} responses, p99 ${measured.accepted.p99.toFixed(1)} ms; ${first.toFixed(0)} MB at minute 3, ${last.toFixed(0)} MB at the end; ${count} subscribers at the end, ${lost} closed by the gateway`,
    ],
  })
}
