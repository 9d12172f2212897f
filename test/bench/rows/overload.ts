/** Four times the gateway's maximum rate: accepted and rejected requests, health, and recovery. */
import { setTimeout as pause } from 'node:timers/promises'
import { withServer } from '../compare-servers.ts'
import { type Entry, type Round, createEntry, p99Of, roundOf } from '../entry.ts'
import { targetOf } from '../load/requests.ts'
import type { Measured } from '../load/work.ts'
import { sendOperation, listNewest, prepareRequests } from '../operations.ts'
import type { Server } from '../processes.ts'
import { CREATORS } from '../seed.ts'
import { type Setup, startFakeStream, startGateway } from '../setup.ts'
import { CONNECTIONS } from './drive-all.ts'
import type { Row } from './row.ts'
import { seededFile } from './seeded.ts'

/** Expensive enough that one core can generate four times the load that another core can handle. */
const PAGE = 100
const TIMES = 4
/** Connections of twenty callers, below the concurrency limit per caller. */
const OPEN_CONNECTIONS = 1000
/** Milliseconds of overload before the measured window, and length of the window. */
const WARM_UP_MS = 1000
const WINDOW_MS = 8000
/** Milliseconds between two requests to /healthz. */
const INTERVAL_MS = 200
/** A response within so many milliseconds means that the gateway has recovered. */
const RECOVERED_MS = 100
const RECOVERY_TIMEOUT_MS = 30_000

/** Results of one round. */
interface OverloadRound {
  readonly measured: Measured
  /** Longest response time of /healthz in milliseconds; Infinity when it failed. */
  readonly healthMs: number
  /** Milliseconds from the last request until the gateway had recovered. */
  readonly recoveredMs: number
}

export const overload: Row = {
  name: 'overload',
  partOf: 'quick',
  needsPeers: false,
  run: (setup) =>
    withServer(
      () => startFakeStream(setup),
      async (stream) => {
        const file = await seededFile(setup)
        return withServer(
          () => startGateway(setup, file, stream),
          async (server) => {
            const capacity = await findCapacity(setup, server)
            const overloadRounds: OverloadRound[] = []
            for (let round = 0; round < setup.rounds; round += 1) {
              setup.log(`round ${round + 1} of ${setup.rounds}`)
              overloadRounds.push(await runOverload(setup, server, TIMES * capacity))
            }
            return entriesOf(overloadRounds, capacity)
          },
        )
      },
    ),
}

function loadOn({ url, pid }: Server) {
  const list = prepareRequests(CREATORS.length, (at) => listNewest(at, PAGE))
  return { target: targetOf(url), source: { kind: 'list' as const, requests: list }, pid }
}

/** Measures the maximum rate of right responses per second. */
async function findCapacity(setup: Setup, server: Server): Promise<number> {
  const { load, firstWarmUpMs, windowMs } = setup
  const times = { warmUpMs: firstWarmUpMs, windowMs }
  const params = { ...loadOn(server), connections: CONNECTIONS, ...times }
  const { rate } = await load.closedLoop(params)
  setup.log(`maximum rate: ${rate.toFixed(0)} per second`)
  return rate
}

async function runOverload(
  { load }: Setup,
  server: Server,
  perSecond: number,
): Promise<OverloadRound> {
  const stop = new AbortController()
  const health = watchHealth(server, stop.signal)
  const times = { warmUpMs: WARM_UP_MS, windowMs: WINDOW_MS }
  const measured = await load.openLoop({
    ...loadOn(server),
    perSecond,
    connections: OPEN_CONNECTIONS,
    ...times,
  })
  const ended = performance.now()
  stop.abort()
  const healthMs = await health
  await untilRecovered(server)
  return { measured, healthMs, recoveredMs: performance.now() - ended }
}

async function watchHealth({ url }: Server, stop: AbortSignal): Promise<number> {
  let longest = 0
  while (!stop.aborted) {
    const startedAt = performance.now()
    const response = await fetch(`${url}/healthz`).catch(() => null)
    await response?.body?.cancel()
    longest = Math.max(longest, response?.status === 200 ? performance.now() - startedAt : Infinity)
    await pause(INTERVAL_MS)
  }
  return longest
}

async function untilRecovered(server: Server): Promise<void> {
  const deadline = Date.now() + RECOVERY_TIMEOUT_MS
  while (Date.now() < deadline) {
    const startedAt = performance.now()
    const response = await sendOperation(server, listNewest(0, PAGE)).catch(() => null)
    if (response !== null && performance.now() - startedAt < RECOVERED_MS) return
    await pause(20)
  }
  throw new Error(`The gateway did not recover within ${RECOVERY_TIMEOUT_MS} ms.`)
}

function entriesOf(overloadRounds: readonly OverloadRound[], capacity: number): readonly Entry[] {
  const all = overloadRounds.map(({ measured }) => measured)
  const accepted = all.reduce((sum, measured) => sum + measured.accepted.count, 0)
  const rejected = all.reduce((sum, measured) => sum + measured.rejected.count, 0)
  const health = Math.max(...overloadRounds.map(({ healthMs }) => healthMs))
  const recovered = Math.max(...overloadRounds.map(({ recoveredMs }) => recoveredMs))
  const facts = { unit: 'ms', peer: null, isRatio: false }
  const problems = [
    ...(Number.isFinite(health) ? [] : ['/healthz failed']),
    ...(all.some(({ rate }) => rate < capacity / 2)
      ? ['it accepted less than half of its maximum rate']
      : []),
  ]
  return [
    createEntry({
      ...facts,
      row: `${TIMES} times capacity: accepted, p99`,
      rounds: all.map(p99Of),
      target: { atMost: 250 },
      problems,
      notes: [
        `${(TIMES * capacity).toFixed(0)} requests per second; ${accepted} accepted, ${rejected} rejected`,
        `/healthz took ${health.toFixed(0)} ms at most, and it recovered after ${recovered.toFixed(0)} ms`,
      ],
    }),
    createEntry({
      ...facts,
      row: `${TIMES} times capacity: rejected, p99`,
      rounds: all.map(rejectedP99Of),
      target: { atMost: 50 },
    }),
  ]
}

/** 99th percentile of the rejections. A round without rejections has a problem. */
function rejectedP99Of(measured: Measured): Round {
  const { count, p99 } = measured.rejected
  const round = roundOf(measured, count === 0 ? NaN : p99)
  return count === 0 ? { ...round, problem: 'no request was rejected' } : round
}
