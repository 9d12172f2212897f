/** One, two and three gateways on one PostgreSQL, beside one on SQLite. */
import { Client } from 'pg'
import { z } from 'zod'
import { spendingOf, tellBound } from '../bound.ts'
import { type Contestant, inTurn, withContestants, withServer } from '../compare-servers.ts'
import { type Entry, type Round, judge, median, roundOf } from '../entry.ts'
import type { Shot } from '../load/connection.ts'
import { targetOf } from '../load/requests.ts'
import type { Measured } from '../load/work.ts'
import { compareAnswers, mintOne, readOne, shots } from '../operations.ts'
import { type SeededPostgres, withSeededPostgres } from '../postgres.ts'
import type { Server } from '../processes.ts'
import { type Setup, startFakeStream, startGatewayOn } from '../setup.ts'
import { CONNECTIONS } from './drive-all.ts'
import type { Row } from './row.ts'
import { SEEDED, seededCopy } from './seeded.ts'

/** Different uids that are asked for, from all over the database. */
const DIFFERENT = 2000
const EMBEDDED = 'one on SQLite'
const ALONE = 'one on PostgreSQL'
const ABREAST = ['two', 'three'] as const
const GATEWAYS = 'gateways'
const ADAPTER = 'PostgreSQL'

/** Gateways that are asked together. */
interface LineUp {
  readonly name: string
  readonly servers: readonly Server[]
}

export const abreast: Row = {
  name: 'abreast',
  partOf: 'full',
  needsPeers: false,
  run: async (setup) =>
    (await withSeededPostgres(setup, SEEDED, (database) =>
      withServer(
        () => startFakeStream(setup),
        (stream) => measureAbreast(setup, database, stream),
      ),
    )) ?? [],
}

async function measureAbreast(
  setup: Setup,
  database: SeededPostgres,
  stream: Server,
): Promise<readonly Entry[]> {
  const file = await seededCopy(setup, 'abreast')
  // None on a core of its own: three would share what one has to itself.
  const start = (url: string) => (): Promise<Server> => startGatewayOn(setup, url, stream, {}, null)
  const entrants = [
    { name: EMBEDDED, start: start(`file:${file}`) },
    ...[ALONE, ...ABREAST].map((name) => ({ name, start: start(database.url) })),
  ]
  return withContestants(entrants, async ([embedded, ...shared]) => {
    if (embedded === undefined) throw new Error('There is no gateway on SQLite.')
    await compareAnswers(shared, [readOne(0), readOne(27), readOne(4321)])
    const lineUps = [
      { name: EMBEDDED, servers: [embedded.server] },
      ...shared.map(({ name }, at) => ({
        name,
        servers: shared.slice(0, at + 1).map(({ server }) => server),
      })),
    ]
    const spread = SEEDED / DIFFERENT
    const reads = shots(DIFFERENT, (at) => readOne(at * spread))
    const drive = (list: readonly Shot[]) => driveLineUps(setup, lineUps, list, database, stream)
    const read = await drive(reads)
    const minted = await drive(shots(200, mintOne))
    const lost = await findLost(database.url, minted)
    return [...entriesOf('upload(uid)', read, []), ...entriesOf('createDirectUpload', minted, lost)]
  })
}

type Results = (name: string) => readonly Measured[]

function driveLineUps(
  setup: Setup,
  lineUps: readonly LineUp[],
  list: readonly Shot[],
  database: SeededPostgres,
  stream: Server,
): Promise<Results> {
  const contestants = lineUps.flatMap(({ name, servers: [server] }): Contestant[] =>
    server === undefined ? [] : [{ name, server }],
  )
  return inTurn(setup, contestants, ({ name, server }, warmUpMs) => {
    const servers = lineUps.find((one) => one.name === name)?.servers ?? []
    const [, ...others] = servers.map(({ url }) => targetOf(url))
    return setup.load.closedLoop({
      target: targetOf(server.url),
      others,
      source: { kind: 'list', shots: list },
      connections: CONNECTIONS,
      pid: server.pid,
      parts: {
        [GATEWAYS]: servers.map(({ pid }) => pid),
        ...(name === EMBEDDED ? {} : { [ADAPTER]: [database.pid] }),
        Stream: [stream.pid],
      },
      warmUpMs,
      windowMs: setup.windowMs,
    })
  })
}

/** Each line-up beside one gateway on SQLite, and several beside one on PostgreSQL. */
function entriesOf(
  operation: string,
  results: Results,
  problems: readonly string[],
): readonly Entry[] {
  return [ALONE, ...ABREAST].flatMap((name, at) => {
    const beside = name === ALONE ? [EMBEDDED] : [ALONE, EMBEDDED]
    return beside.map((peer, place) =>
      judge({
        row: `${operation}, ${name}`,
        unit: 'req/s',
        ours: results(name).map(rateOfAll),
        peer: { name: peer, rounds: results(peer).map(rateOfAll) },
        target: null,
        isRatio: true,
        problems,
        // Each line-up is told of once.
        notes:
          place > 0
            ? []
            : [
                ...(name === ALONE ? [`${EMBEDDED}: ${tell(results(EMBEDDED), 1)}`] : []),
                `${name}: ${tell(results(name), at + 1)}`,
              ],
      }),
    )
  })
}

/** Answers a second, and the time of all the gateways for one. */
function rateOfAll(measured: Measured): Round {
  const round = roundOf(measured, measured.rate)
  return { ...round, cpu: measured.partCpu[GATEWAYS] ?? null }
}

/** What each request cost whom, and what bound the rate, in the round with the rate in the middle. */
function tell(rounds: readonly Measured[], gateways: number): string {
  const inOrder = rounds.toSorted((one, other) => one.rate - other.rate)
  const middle = inOrder[Math.floor(inOrder.length / 2)]
  const spending = middle === undefined ? null : spendingOf(middle)
  if (middle === undefined || spending === null) return 'the system tells no processor times'
  const costs = Object.keys(middle.partCpu).map((name) => {
    const known = rounds.map(({ partCpu }) => partCpu[name] ?? NaN).filter(Number.isFinite)
    return `${name} ${median(known).toFixed(0)} µs`
  })
  return `each request took ${costs.join(', ')}; ${tellBound(spending, { part: GATEWAYS, count: gateways })}`
}

const counted = z.tuple([z.object({ count: z.coerce.number() })])

/** Every upload that was answered for must stand in the database; the sentence where one does not. */
async function findLost(url: string, results: Results): Promise<readonly string[]> {
  const answered = [ALONE, ...ABREAST]
    .flatMap((name) => results(name))
    .reduce((sum, { answered: count }) => sum + count, 0)
  const client = new Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query('select count(*) from uploads where uid is not null')
  await client.end()
  const [{ count }] = counted.parse(rows)
  const kept = count - SEEDED
  return kept >= answered ? [] : [`${answered} were answered for and ${kept} are kept`]
}
