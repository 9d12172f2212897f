/** Four times what the gateway can do: whom it answers, whom it refuses, and how it is afterwards. */
import { setTimeout as pause } from 'node:timers/promises'
import { withServer } from '../compare-servers.ts'
import { type Entry, type Round, judge, p99Of, roundOf } from '../entry.ts'
import { targetOf } from '../load/requests.ts'
import type { Measured } from '../load/work.ts'
import { ask, listNewest, shots } from '../operations.ts'
import type { Server } from '../processes.ts'
import { CREATORS } from '../seed.ts'
import { type Setup, startFakeStream, startGateway } from '../setup.ts'
import { CONNECTIONS } from './drive-all.ts'
import type { Row } from './row.ts'
import { seededFile } from './seeded.ts'

/** Heavy enough that one core can ask for four times what another can answer. */
const PAGE = 100
const TIMES = 4
/** Open at the same time, twenty callers' together: below the bound of what each may run. */
const GROUP = 1000
/** Milliseconds of overload before it is measured, and of each measurement. */
const SETTLE_MS = 1000
const WINDOW_MS = 8000
/** Milliseconds between two looks at /healthz. */
const LOOK_EVERY_MS = 200
/** An answer within so many milliseconds says that the gateway is itself again. */
const WELL_MS = 100
const WELL_WITHIN_MS = 30_000

/** One time of it. */
interface Ordeal {
  readonly measured: Measured
  /** The longest that /healthz took, in milliseconds; Infinity where it failed. */
  readonly healthMs: number
  /** Milliseconds after the last request until it answered as before. */
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
            const ordeals: Ordeal[] = []
            for (let round = 0; round < setup.rounds; round += 1) {
              setup.say(`round ${round + 1} of ${setup.rounds}`)
              ordeals.push(await endure(setup, server, TIMES * capacity))
            }
            return entriesOf(ordeals, capacity)
          },
        )
      },
    ),
}

function loadOn({ url, pid }: Server) {
  const list = shots(CREATORS.length, (at) => listNewest(at, PAGE))
  return { target: targetOf(url), source: { kind: 'list' as const, shots: list }, pid }
}

/** Right answers a second at most. */
async function findCapacity(setup: Setup, server: Server): Promise<number> {
  const { load, firstWarmUpMs, windowMs } = setup
  const times = { warmUpMs: firstWarmUpMs, windowMs }
  const order = { ...loadOn(server), connections: CONNECTIONS, ...times }
  const { rate } = await load.closedLoop(order)
  setup.say(`the gateway can do ${rate.toFixed(0)} a second`)
  return rate
}

async function endure({ load }: Setup, server: Server, perSecond: number): Promise<Ordeal> {
  const over = new AbortController()
  const health = watchHealth(server, over.signal)
  const times = { warmUpMs: SETTLE_MS, windowMs: WINDOW_MS }
  const measured = await load.openLoop({
    ...loadOn(server),
    perSecond,
    connections: GROUP,
    ...times,
  })
  const ended = performance.now()
  over.abort()
  const healthMs = await health
  await untilWell(server)
  return { measured, healthMs, recoveredMs: performance.now() - ended }
}

async function watchHealth({ url }: Server, over: AbortSignal): Promise<number> {
  let longest = 0
  while (!over.aborted) {
    const begun = performance.now()
    const response = await fetch(`${url}/healthz`).catch(() => null)
    await response?.body?.cancel()
    longest = Math.max(longest, response?.status === 200 ? performance.now() - begun : Infinity)
    await pause(LOOK_EVERY_MS)
  }
  return longest
}

async function untilWell(server: Server): Promise<void> {
  const deadline = Date.now() + WELL_WITHIN_MS
  while (Date.now() < deadline) {
    const begun = performance.now()
    const answer = await ask(server, listNewest(0, PAGE)).catch(() => null)
    if (answer !== null && performance.now() - begun < WELL_MS) return
    await pause(20)
  }
  throw new Error(`It was not itself again after ${WELL_WITHIN_MS} ms.`)
}

function entriesOf(ordeals: readonly Ordeal[], capacity: number): readonly Entry[] {
  const all = ordeals.map(({ measured }) => measured)
  const counted = all.reduce((sum, { accepted }) => sum + accepted.count, 0)
  const refused = all.reduce((sum, one) => sum + one.refused.count, 0)
  const health = Math.max(...ordeals.map(({ healthMs }) => healthMs))
  const recovered = Math.max(...ordeals.map(({ recoveredMs }) => recoveredMs))
  const facts = { unit: 'ms', peer: null, isRatio: false }
  const problems = [
    ...(Number.isFinite(health) ? [] : ['/healthz failed']),
    ...(all.some(({ rate }) => rate < capacity / 2)
      ? ['it answered less than half of what it can']
      : []),
  ]
  return [
    judge({
      ...facts,
      row: `${TIMES} times capacity: accepted, p99`,
      ours: all.map(p99Of),
      target: { atMost: 250 },
      problems,
      notes: [
        `asked ${(TIMES * capacity).toFixed(0)} a second; answered ${counted}, refused ${refused}`,
        `/healthz took ${health.toFixed(0)} ms at most, and it was itself again after ${recovered.toFixed(0)} ms`,
      ],
    }),
    judge({
      ...facts,
      row: `${TIMES} times capacity: refused, p99`,
      ours: all.map(refusedWithin),
      target: { atMost: 50 },
    }),
  ]
}

/** Whoever cannot be served must learn it. */
function refusedWithin(measured: Measured): Round {
  const { count, p99 } = measured.refused
  const round = roundOf(measured, count === 0 ? NaN : p99)
  return count === 0 ? { ...round, problem: 'nobody was refused' } : round
}
