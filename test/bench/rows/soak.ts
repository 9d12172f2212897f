/** Ten minutes at half of what the gateway can do, while subscribers come and go: its memory. */
import { setTimeout as pause } from 'node:timers/promises'
import { withServer } from '../compare-servers.ts'
import { residentBytes } from '../cpu.ts'
import { judge, roundOf } from '../entry.ts'
import { slopeOf } from '../slope.ts'
import { type LoadGenerator, startLoadGenerator } from '../load/drive.ts'
import { targetOf } from '../load/requests.ts'
import type { Dispersed, Measured } from '../load/work.ts'
import { readOne, shots } from '../operations.ts'
import type { Server } from '../processes.ts'
import { uidOf } from '../seed.ts'
import { type Setup, startFakeStream, startGateway } from '../setup.ts'
import { bearer } from '../tokens.ts'
import { CONNECTIONS } from './drive-all.ts'
import type { Row } from './row.ts'
import { seededCopy } from './seeded.ts'

const MINUTE_MS = 60_000
const LENGTH_MS = 10 * MINUTE_MS
/** By then caches are full and everything is compiled. */
const COUNTS_FROM_MS = 3 * MINUTE_MS
const LOOK_EVERY_MS = 1000
const SUBSCRIBERS = 500
/** Of those, so many leave a second, and as many come. */
const CHANGING = 20

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
          async (server) => [await soakIt(setup, server)],
        )
      },
    ),
}

async function soakIt(setup: Setup, server: Server) {
  const { load, say, firstWarmUpMs, windowMs } = setup
  const source = { kind: 'list' as const, shots: shots(2000, (at) => readOne(at * 5)) }
  const order = { target: targetOf(server.url), source, connections: CONNECTIONS, pid: server.pid }
  const { rate } = await load.closedLoop({ ...order, warmUpMs: firstWarmUpMs, windowMs })
  say(`the gateway can do ${rate.toFixed(0)} a second: half of it for ${LENGTH_MS / MINUTE_MS} min`)
  // Another generator, so that neither waits for the other.
  const group = startLoadGenerator()
  try {
    await gather(group, server)
    const over = new AbortController()
    const weights = weigh(server.pid, over.signal)
    const measured = await load.openLoop({
      ...order,
      perSecond: rate / 2,
      connections: 10 * CONNECTIONS,
      warmUpMs: 0,
      windowMs: LENGTH_MS,
    })
    over.abort()
    const dispersed = await group.disperse('soak')
    return entryOf(await weights, measured, dispersed)
  } finally {
    group.end()
  }
}

async function gather(group: LoadGenerator, server: Server): Promise<void> {
  const tokens = Array.from({ length: SUBSCRIBERS }, (_, at) =>
    bearer(`watcher-${at % 10}`, 'uploads:admin'),
  )
  const target = targetOf(server.url)
  await group.subscribe({ crowd: 'soak', transport: 'sse', target, tokens, uid: uidOf(0) })
  await group.churn('soak', CHANGING)
}

/** Minutes since the beginning, and megabytes then. */
type Weight = readonly [minutes: number, megabytes: number]

async function weigh(pid: number, over: AbortSignal): Promise<readonly Weight[]> {
  const begun = performance.now()
  const weights: Weight[] = []
  while (!over.aborted) {
    const bytes = residentBytes(pid)
    const passed = performance.now() - begun
    if (bytes !== null && passed >= COUNTS_FROM_MS) {
      weights.push([passed / MINUTE_MS, bytes / 1e6])
    }
    await pause(LOOK_EVERY_MS)
  }
  return weights
}

function entryOf(
  weights: readonly Weight[],
  measured: Measured,
  { count, lost, firstLost }: Dispersed,
) {
  const [first, last] = [weights[0]?.[1] ?? NaN, weights.at(-1)?.[1] ?? NaN]
  return judge({
    row: 'growth after minute 3 at half capacity',
    unit: 'MB/min',
    ours: [roundOf(measured, slopeOf(weights))],
    peer: null,
    target: { atMost: 1 },
    problems: [
      ...(measured.refused.count > 0 ? [`${measured.refused.count} were refused`] : []),
      ...(lost > 0 ? [`${lost} subscribers were lost, the first: ${String(firstLost)}`] : []),
    ],
    isRatio: false,
    notes: [
      `${measured.accepted.count} answers, p99 ${measured.accepted.p99.toFixed(1)} ms; ${first.toFixed(0)} MB at minute 3, ${last.toFixed(0)} MB at the end; ${count} subscribers then, ${lost} lost unasked`,
    ],
  })
}
