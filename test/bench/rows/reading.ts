/** One upload by its uid, and a page of them, over the same rows of the same file. */
import { join } from 'node:path'
import { busyNote, judge, rateOf } from '../entry.ts'
import { targetOf } from '../load/requests.ts'
import { compareAnswers, listNewest, readOne, shots } from '../operations.ts'
import type { Server } from '../processes.ts'
import { CREATORS, seed } from '../seed.ts'
import {
  type Stage,
  inTurn,
  startFakeStream,
  startGateway,
  startPeer,
  withServers,
} from '../stage.ts'
import type { Shot } from '../load/connection.ts'
import type { Row } from './row.ts'

const UPLOADS = 10_000
const CONNECTIONS = 50
const PAGE = 20

export const reading: Row = {
  name: 'reading',
  partOf: 'quick',
  needsPeers: true,
  async run(stage) {
    const peers = ['bare-reads', 'mercurius', 'apollo', 'yoga']
    return withReaders(stage, peers, async (servers) => {
      await compareAnswers(servers, [readOne(0), readOne(7), readOne(4321)])
      const measured = await driveAll(
        stage,
        servers,
        ['headgate', ...peers],
        shots(2000, (at) => readOne(at * 5)),
      )
      const ours = measured('headgate').map(rateOf)
      const entryAgainst = (peer: string, name: string, atLeast: number | null) =>
        judge({
          row: 'upload(uid)',
          unit: 'req/s',
          ours,
          peer: { name, rounds: measured(peer).map(rateOf) },
          target: atLeast === null ? null : { atLeast },
          isRatio: true,
          notes: [busyNote([...measured('headgate'), ...measured(peer)])],
        })
      return [
        entryAgainst('bare-reads', 'bare node:http + SQLite', 0.75),
        entryAgainst('mercurius', 'mercurius, jit, prepared, no token', 1),
        entryAgainst('apollo', 'Apollo Server, prepared, no token', 3),
        entryAgainst('yoga', 'Yoga, prepared, no token', null),
      ]
    })
  },
}

export const listing: Row = {
  name: 'listing',
  partOf: 'quick',
  needsPeers: false,
  async run(stage) {
    return withReaders(stage, ['bare-reads'], async (servers) => {
      await compareAnswers(servers, [listNewest(0, PAGE), listNewest(1, PAGE)])
      const measured = await driveAll(
        stage,
        servers,
        ['headgate', 'bare-reads'],
        shots(CREATORS.length, (at) => listNewest(at, PAGE)),
      )
      return [
        judge({
          row: `uploads(first: ${PAGE})`,
          unit: 'req/s',
          ours: measured('headgate').map(rateOf),
          peer: {
            name: 'bare node:http + SQLite',
            rounds: measured('bare-reads').map(rateOf),
          },
          target: { atLeast: 0.5 },
          isRatio: true,
          notes: [busyNote([...measured('headgate'), ...measured('bare-reads')])],
        }),
      ]
    })
  },
}

/** The gateway first, then the peers, all on one file. */
async function withReaders<T>(
  stage: Stage,
  peers: readonly string[],
  work: (servers: readonly Server[]) => Promise<T>,
): Promise<T> {
  const file = join(stage.folder, 'reading.db')
  await seedOnce(file, UPLOADS, stage)
  return withServers([() => startFakeStream(stage)], ([stream]) => {
    if (stream === undefined) throw new Error('There is no Stream.')
    return withServers(
      [
        () => startGateway(stage, file, stream),
        ...peers.map((name) => () => startPeer(stage, name, { DATABASE_FILE: file })),
      ],
      work,
    )
  })
}

function driveAll(
  stage: Stage,
  servers: readonly Server[],
  names: readonly string[],
  list: readonly Shot[],
) {
  const contestants = servers.map((server, at) => ({
    name: names[at] ?? '',
    measure: (warmUpMs: number) =>
      stage.load.closedLoop({
        target: targetOf(server.url),
        source: { kind: 'list', shots: list },
        connections: CONNECTIONS,
        pid: server.pid,
        warmUpMs,
        windowMs: stage.windowMs,
      }),
  }))
  return inTurn(stage, contestants)
}

const seeded = new Set<string>()

async function seedOnce(file: string, uploads: number, { say }: Stage): Promise<void> {
  if (seeded.has(file)) return
  say(`writing ${uploads} uploads`)
  await seed(file, uploads)
  seeded.add(file)
}
