/** Rates of one, two and three gateways on one PostgreSQL, compared with one gateway on SQLite. */
import { Client } from 'pg'
import { z } from 'zod'
import { cpuUsageOf, describeBottleneck } from '../bottleneck.ts'
import { type Contestant, measureRounds, withContestants, withServer } from '../compare-servers.ts'
import { type Entry, type Round, type Target, createEntry, median, roundOf } from '../entry.ts'
import type { PreparedRequest } from '../load/connection.ts'
import { targetOf } from '../load/requests.ts'
import type { Measured } from '../load/work.ts'
import { compareResponses, mintOne, readOne, prepareRequests } from '../operations.ts'
import { type SeededPostgres, withSeededPostgres } from '../postgres.ts'
import type { Server } from '../processes.ts'
import { type Setup, startFakeStream, startGatewayOn } from '../setup.ts'
import { THOUSAND_CREATORS } from '../seed.ts'
import { CONNECTIONS } from './drive-all.ts'
import type { Row } from './row.ts'
import { SEEDED, seededCopy } from './seeded.ts'

/** Number of different uids, distributed over the whole database. */
const DIFFERENT = 2000
const EMBEDDED = 'one on SQLite'
const SINGLE = 'one on PostgreSQL'
const SEVERAL = ['two', 'three'] as const
const GATEWAYS = 'gateways'
const DATABASE = 'PostgreSQL'

/** Gateways that receive the load together. */
interface GatewayGroup {
  readonly name: string
  readonly servers: readonly Server[]
}

export const scaleOut: Row = {
  name: 'scale-out',
  partOf: 'full',
  needsPeers: false,
  run: async (setup) =>
    (await withSeededPostgres(setup, SEEDED, (database) =>
      withServer(
        () => startFakeStream(setup),
        (stream) => measureGatewayGroups(setup, database, stream),
      ),
    )) ?? [],
}

async function measureGatewayGroups(
  setup: Setup,
  database: SeededPostgres,
  stream: Server,
): Promise<readonly Entry[]> {
  const file = await seededCopy(setup, 'scale-out')
  // Not pinned: three gateways would share one core.
  const start = (url: string) => (): Promise<Server> => startGatewayOn(setup, url, stream, {}, null)
  const entrants = [
    { name: EMBEDDED, start: start(`file:${file}`) },
    ...[SINGLE, ...SEVERAL].map((name) => ({ name, start: start(database.url) })),
  ]
  return withContestants(entrants, async ([embedded, ...shared]) => {
    if (embedded === undefined) throw new Error('The gateway on SQLite was not started.')
    await compareResponses(shared, [readOne(0), readOne(27), readOne(4321)])
    const gatewayGroups = [
      { name: EMBEDDED, servers: [embedded.server] },
      ...shared.map(({ name }, at) => ({
        name,
        servers: shared.slice(0, at + 1).map(({ server }) => server),
      })),
    ]
    const step = SEEDED / DIFFERENT
    const reads = prepareRequests(DIFFERENT, (at) => readOne(at * step))
    const drive = (list: readonly PreparedRequest[]) =>
      driveGatewayGroups(setup, gatewayGroups, list, database, stream)
    const read = await drive(reads)
    const ofOne = await drive(prepareRequests(200, (at) => mintOne(at, THOUSAND_CREATORS[0])))
    const ofMany = await drive(
      prepareRequests(THOUSAND_CREATORS.length, (at) => mintOne(at, THOUSAND_CREATORS[at])),
    )
    const lost = await findLost(database.url, [ofOne, ofMany])
    return [
      ...entriesOf('upload(uid)', read, null, []),
      ...entriesOf('createDirectUpload, one creator', ofOne, { atLeast: 0.9 }, lost),
      ...entriesOf('createDirectUpload, a thousand creators', ofMany, { atLeast: 1 }, lost),
    ]
  })
}

type Results = (name: string) => readonly Measured[]

function driveGatewayGroups(
  setup: Setup,
  gatewayGroups: readonly GatewayGroup[],
  list: readonly PreparedRequest[],
  database: SeededPostgres,
  stream: Server,
): Promise<Results> {
  const contestants = gatewayGroups.flatMap(({ name, servers: [server] }): Contestant[] =>
    server === undefined ? [] : [{ name, server }],
  )
  return measureRounds(setup, contestants, ({ name, server }, warmUpMs) => {
    const servers = gatewayGroups.find((group) => group.name === name)?.servers ?? []
    const [, ...others] = servers.map(({ url }) => targetOf(url))
    return setup.load.closedLoop({
      target: targetOf(server.url),
      others,
      source: { kind: 'list', requests: list },
      connections: CONNECTIONS,
      pid: server.pid,
      processGroups: {
        [GATEWAYS]: servers.map(({ pid }) => pid),
        ...(name === EMBEDDED ? {} : { [DATABASE]: [database.pid] }),
        Stream: [stream.pid],
      },
      warmUpMs,
      windowMs: setup.windowMs,
    })
  })
}

/**
 * Compares each group with one gateway on SQLite, and several gateways with one on PostgreSQL.
 * @param target of the largest group compared with one on PostgreSQL; null if it is only reported
 */
function entriesOf(
  operation: string,
  results: Results,
  target: Target | null,
  problems: readonly string[],
): readonly Entry[] {
  return [SINGLE, ...SEVERAL].flatMap((name, at) => {
    const peers = name === SINGLE ? [EMBEDDED] : [SINGLE, EMBEDDED]
    return peers.map((peer, peerIndex) =>
      createEntry({
        row: `${operation}, ${name}`,
        unit: 'req/s',
        rounds: results(name).map(rateOfAll),
        peer: { name: peer, rounds: results(peer).map(rateOfAll) },
        target: name === SEVERAL.at(-1) && peer === SINGLE ? target : null,
        isRatio: true,
        problems,
        // The first comparison of each group has its notes.
        notes:
          peerIndex > 0
            ? []
            : [
                ...(name === SINGLE ? [`${EMBEDDED}: ${describeCosts(results(EMBEDDED), 1)}`] : []),
                `${name}: ${describeCosts(results(name), at + 1)}`,
              ],
      }),
    )
  })
}

/** Right responses per second, and CPU time of all gateways per response. */
function rateOfAll(measured: Measured): Round {
  const round = roundOf(measured, measured.rate)
  return { ...round, cpu: measured.processCpu[GATEWAYS] ?? null }
}

/** CPU time per request of each process group, and the bottleneck in the round with the median rate. */
function describeCosts(rounds: readonly Measured[], gateways: number): string {
  const sorted = rounds.toSorted((a, b) => a.rate - b.rate)
  const middle = sorted[Math.floor(sorted.length / 2)]
  const usage = middle === undefined ? null : cpuUsageOf(middle)
  if (middle === undefined || usage === null) return 'CPU times are unknown'
  const costs = Object.keys(middle.processCpu).map((name) => {
    const known = rounds.map(({ processCpu }) => processCpu[name] ?? NaN).filter(Number.isFinite)
    return `${name} ${median(known).toFixed(0)} µs`
  })
  return `each request took ${costs.join(', ')}; ${describeBottleneck(usage, { group: GATEWAYS, count: gateways })}`
}

const countResult = z.tuple([z.object({ count: z.coerce.number() })])

/** Checks that the database contains every confirmed upload; returns a problem otherwise. */
async function findLost(url: string, minted: readonly Results[]): Promise<readonly string[]> {
  const succeeded = [SINGLE, ...SEVERAL]
    .flatMap((name) => minted.flatMap((results) => results(name)))
    .reduce((sum, { succeeded: count }) => sum + count, 0)
  const client = new Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query('select count(*) from uploads where uid is not null')
  await client.end()
  const [{ count }] = countResult.parse(rows)
  const stored = count - SEEDED
  return stored >= succeeded ? [] : [`${succeeded} uploads were confirmed and ${stored} are stored`]
}
