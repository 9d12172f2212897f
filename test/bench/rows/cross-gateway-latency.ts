/** Latency of a change from one gateway to a subscriber of another gateway on the same PostgreSQL. */
import { withContestants, withServer } from '../compare-servers.ts'
import { type Entry, createEntry, median } from '../entry.ts'
import { WEBHOOK_STEP, prepareWebhook, targetOf } from '../load/requests.ts'
import { type SeededPostgres, withSeededPostgres } from '../postgres.ts'
import type { Server } from '../processes.ts'
import { isPending, uidOf } from '../seed.ts'
import { type Setup, WEBHOOK_SECRET, startFakeStream, startGatewayOn } from '../setup.ts'
import { bearer } from '../tokens.ts'
import type { Row } from './row.ts'

const UPLOADS = 1000
/** Changes per round, one after the other. */
const CHANGES = 200
/** Changes before the measured rounds. */
const WARM_UP = 50
const GROUP = 'cross-gateway-latency'
const WATCHED = 0

/** Milliseconds until the subscriber received each change of one round. */
interface Delays {
  readonly sinceRequest: readonly number[]
  /** Negative when the event arrived before the response. */
  readonly sinceResponse: readonly number[]
}

export const crossGatewayLatency: Row = {
  name: 'cross-gateway-latency',
  partOf: 'quick',
  needsPeers: false,
  run: async (setup) =>
    (await withSeededPostgres(setup, UPLOADS, (database) =>
      withServer(
        () => startFakeStream(setup),
        (stream) => measureLatency(setup, database, stream),
      ),
    )) ?? [],
}

function measureLatency(
  setup: Setup,
  { url }: SeededPostgres,
  stream: Server,
): Promise<readonly Entry[]> {
  const start = (): Promise<Server> => startGatewayOn(setup, url, stream)
  const entrants = ['subscribed', 'changing'].map((name) => ({ name, start }))
  return withContestants(entrants, async ([subscribed, changing]) => {
    if (subscribed === undefined || changing === undefined)
      throw new Error('Two gateways are needed.')
    if (!isPending(WATCHED)) throw new Error('The watched upload is already READY.')
    await setup.load.subscribe({
      group: GROUP,
      transport: 'sse',
      target: targetOf(subscribed.server.url),
      tokens: [bearer('watcher', 'uploads:admin')],
      uid: uidOf(WATCHED),
    })
    const change = createChanges(setup, changing.server)
    for (let made = 0; made < WARM_UP; made += 1) await change()
    const rounds: Delays[] = []
    for (let round = 0; round < setup.rounds; round += 1) {
      setup.log(`round ${round + 1} of ${setup.rounds}`)
      const timings = []
      for (let made = 0; made < CHANGES; made += 1) timings.push(await change())
      rounds.push({
        sinceRequest: timings.map(({ last }) => last),
        sinceResponse: timings.map(({ last, responded }) => last - responded),
      })
    }
    const { firstLost } = await setup.load.unsubscribe(GROUP)
    if (firstLost !== null)
      throw new Error(`The gateway closed the subscriber's connection: ${firstLost}`)
    return entriesOf(rounds)
  })
}

/** Returns a function that sends the next webhook, each with a higher percentage. */
function createChanges({ load }: Setup, { url }: Server) {
  let percent = 1
  return () => {
    percent = Number((percent + WEBHOOK_STEP).toFixed(6))
    return load.change({
      group: GROUP,
      request: prepareWebhook(WEBHOOK_SECRET, uidOf(WATCHED), percent),
      expected: `"encodingPercent":${percent}}`,
      through: targetOf(url),
    })
  }
}

function entriesOf(rounds: readonly Delays[]): readonly Entry[] {
  const entry = (
    row: string,
    valueOf: (delays: Delays) => number,
    target: { readonly atMost: number } | null,
  ): Entry =>
    createEntry({
      row: `another gateway's change, ${row}`,
      unit: 'ms',
      rounds: rounds.map((delays) => ({ value: valueOf(delays), cpu: null, problem: null })),
      peer: null,
      target,
      isRatio: false,
    })
  return [
    entry('since sent', ({ sinceRequest }) => median(sinceRequest), { atMost: 100 }),
    entry('p99 since sent', ({ sinceRequest }) => quantile(sinceRequest, 0.99), null),
    entry('since its 200', ({ sinceResponse }) => median(sinceResponse), { atMost: 100 }),
    entry('p99 since its 200', ({ sinceResponse }) => quantile(sinceResponse, 0.99), null),
  ]
}

/** The quantile of this share. */
function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? NaN
}
