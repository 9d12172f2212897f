/** Response times and rate in the first seconds after the gateway is ready, and the rate afterwards. */
import { setTimeout as pause } from 'node:timers/promises'
import { withServer } from '../compare-servers.ts'
import { type Entry, createEntry, p99Of, rateOf } from '../entry.ts'
import { targetOf } from '../load/requests.ts'
import type { Measured } from '../load/work.ts'
import { readOne, prepareRequests } from '../operations.ts'
import type { Server } from '../processes.ts'
import { type Setup, startFakeStream, startGateway } from '../setup.ts'
import { CONNECTIONS } from './drive-all.ts'
import type { Row } from './row.ts'
import { seededFile } from './seeded.ts'

const WINDOW_MS = 5000
const READY_TIMEOUT_MS = 30_000

export const coldStart: Row = {
  name: 'cold-start',
  partOf: 'quick',
  needsPeers: false,
  run: (setup) =>
    withServer(
      () => startFakeStream(setup),
      async (stream) => {
        const file = await seededFile(setup)
        const starts: Start[] = []
        for (let round = 0; round < setup.rounds; round += 1) {
          setup.log(`start ${round + 1} of ${setup.rounds}`)
          starts.push(
            await withServer(
              () => startGateway(setup, file, stream),
              (server) => driveFromReady(setup, server),
            ),
          )
        }
        return [responseTimes(starts.map(({ first }) => first)), rates(starts)]
      },
    ),
}

/** Measurements of one start. */
interface Start {
  readonly first: Measured
  readonly later: Measured
}

async function driveFromReady(setup: Setup, server: Server): Promise<Start> {
  const requests = prepareRequests(2000, (at) => readOne(at * 5))
  const drive = (warmUpMs: number, windowMs: number): Promise<Measured> =>
    setup.load.closedLoop({
      target: targetOf(server.url),
      source: { kind: 'list', requests },
      connections: CONNECTIONS,
      pid: server.pid,
      warmUpMs,
      windowMs,
    })
  await untilReady(server)
  const first = await drive(0, WINDOW_MS)
  return { first, later: await drive(setup.warmUpMs, setup.windowMs) }
}

async function untilReady({ url }: Server): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS
  while (Date.now() < deadline) {
    const response = await fetch(`${url}/readyz`)
    await response.body?.cancel()
    if (response.status === 200) return
    await pause(5)
  }
  throw new Error('The gateway did not become ready.')
}

function rates(starts: readonly Start[]): Entry {
  return createEntry({
    row: 'upload(uid), first 5 s after ready',
    unit: 'req/s',
    rounds: starts.map(({ first }) => rateOf(first)),
    peer: {
      name: 'the same gateway afterwards',
      rounds: starts.map(({ later }) => rateOf(later)),
    },
    target: null,
    isRatio: true,
  })
}

function responseTimes(windows: readonly Measured[]): Entry {
  const longest = Math.max(...windows.map(({ accepted }) => accepted.longest))
  return createEntry({
    row: 'first 5 s after ready, p99',
    unit: 'ms',
    rounds: windows.map(p99Of),
    peer: null,
    target: { atMost: 100 },
    problems: windows.some(({ rejected }) => rejected.count > 0) ? ['requests were rejected'] : [],
    isRatio: false,
    notes: [`the longest response took ${longest.toFixed(0)} ms`],
  })
}
