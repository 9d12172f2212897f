/** Two gateways on one PostgreSQL: a change made by one, until a subscriber of the other has it. */
import { withContestants, withServer } from '../compare-servers.ts'
import { type Entry, judge, median } from '../entry.ts'
import { WEBHOOK_STEP, webhookShot, targetOf } from '../load/requests.ts'
import { type SeededPostgres, withSeededPostgres } from '../postgres.ts'
import type { Server } from '../processes.ts'
import { isPending, uidOf } from '../seed.ts'
import { type Setup, WEBHOOK_SECRET, startFakeStream, startGatewayOn } from '../setup.ts'
import { bearer } from '../tokens.ts'
import type { Row } from './row.ts'

const UPLOADS = 1000
/** Changes of a round, one after the other. */
const CHANGES = 200
/** Changes before those that count. */
const WARM_UP = 50
const GROUP = 'across'
const WATCHED = 0

/** Milliseconds of one round's changes until the subscriber had each. */
interface Delays {
  readonly sinceSent: readonly number[]
  /** Below zero where it came before the answer. */
  readonly sinceAnswered: readonly number[]
}

export const across: Row = {
  name: 'across',
  partOf: 'quick',
  needsPeers: false,
  run: async (setup) =>
    (await withSeededPostgres(setup, UPLOADS, (database) =>
      withServer(
        () => startFakeStream(setup),
        (stream) => measureAcross(setup, database, stream),
      ),
    )) ?? [],
}

function measureAcross(
  setup: Setup,
  { url }: SeededPostgres,
  stream: Server,
): Promise<readonly Entry[]> {
  const start = (): Promise<Server> => startGatewayOn(setup, url, stream)
  const entrants = ['listened to', 'told'].map((name) => ({ name, start }))
  return withContestants(entrants, async ([listened, told]) => {
    if (listened === undefined || told === undefined) throw new Error('There are two gateways.')
    if (!isPending(WATCHED)) throw new Error('The upload that is watched is done already.')
    await setup.load.subscribe({
      crowd: GROUP,
      transport: 'sse',
      target: targetOf(listened.server.url),
      tokens: [bearer('watcher', 'uploads:admin')],
      uid: uidOf(WATCHED),
    })
    const change = createChanges(setup, told.server)
    for (let made = 0; made < WARM_UP; made += 1) await change()
    const rounds: Delays[] = []
    for (let round = 0; round < setup.rounds; round += 1) {
      setup.say(`round ${round + 1} of ${setup.rounds}`)
      const heard = []
      for (let made = 0; made < CHANGES; made += 1) heard.push(await change())
      rounds.push({
        sinceSent: heard.map(({ last }) => last),
        sinceAnswered: heard.map(({ last, answered }) => last - answered),
      })
    }
    const { firstLost } = await setup.load.disperse(GROUP)
    if (firstLost !== null) throw new Error(`The subscriber was lost: ${firstLost}`)
    return entriesOf(rounds)
  })
}

/** Each time another notice, which tells a little more than the one before. */
function createChanges({ load }: Setup, { url }: Server) {
  let percent = 1
  return () => {
    percent = Number((percent + WEBHOOK_STEP).toFixed(6))
    return load.change({
      crowd: GROUP,
      shot: webhookShot(WEBHOOK_SECRET, uidOf(WATCHED), percent),
      told: `"encodingPercent":${percent}}`,
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
    judge({
      row: `another gateway's change, ${row}`,
      unit: 'ms',
      ours: rounds.map((delays) => ({ value: valueOf(delays), cpu: null, problem: null })),
      peer: null,
      target,
      isRatio: false,
    })
  return [
    entry('since sent', ({ sinceSent }) => median(sinceSent), { atMost: 100 }),
    entry('p99 since sent', ({ sinceSent }) => within(sinceSent, 0.99), null),
    entry('since its 200', ({ sinceAnswered }) => median(sinceAnswered), { atMost: 100 }),
    entry('p99 since its 200', ({ sinceAnswered }) => within(sinceAnswered, 0.99), null),
  ]
}

/** What this share of them is not above. */
function within(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? NaN
}
