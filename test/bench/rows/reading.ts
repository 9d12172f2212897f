/** Rate of reading one upload by uid, and of listing a page, on the same database file. */
import { type Contestant, withContestants, withServer } from '../compare-servers.ts'
import { compareResponses, listNewest, readOne, prepareRequests } from '../operations.ts'
import { CREATORS } from '../seed.ts'
import { type Setup, startFakeStream, startPeer } from '../setup.ts'
import { compareRates, driveAll } from './drive-all.ts'
import type { Row } from './row.ts'
import { SEEDED, headgate, seededFile } from './seeded.ts'

/** Number of different uids, distributed over the whole file. */
const DIFFERENT = 2000
const PAGE = 20
const BARE = { name: 'bare-reads', title: 'bare node:http + SQLite' }
const MERCURIUS = { name: 'mercurius', title: 'mercurius, jit, prepared, no token' }
const APOLLO = { name: 'apollo', title: 'Apollo Server, prepared, no token' }
const YOGA = { name: 'yoga', title: 'Yoga, prepared, no token' }

export const reading: Row = {
  name: 'reading',
  partOf: 'quick',
  needsPeers: true,
  run: (setup) =>
    withReaders(setup, [BARE, MERCURIUS, APOLLO, YOGA], async (readers) => {
      await compareResponses(readers, [readOne(0), readOne(27), readOne(4321)])
      const step = SEEDED / DIFFERENT
      const list = prepareRequests(DIFFERENT, (at) => readOne(at * step))
      const results = await driveAll(setup, readers, list)
      return [
        compareRates(results, 'upload(uid)', BARE, { atLeast: 0.75 }),
        compareRates(results, 'upload(uid)', MERCURIUS, { atLeast: 1 }),
        compareRates(results, 'upload(uid)', APOLLO, { atLeast: 3 }),
        compareRates(results, 'upload(uid)', YOGA, null),
      ]
    }),
}

export const listing: Row = {
  name: 'listing',
  partOf: 'quick',
  needsPeers: false,
  run: (setup) =>
    withReaders(setup, [BARE], async (readers) => {
      await compareResponses(readers, [listNewest(0, PAGE), listNewest(1, PAGE)])
      const list = prepareRequests(CREATORS.length, (at) => listNewest(at, PAGE))
      const results = await driveAll(setup, readers, list)
      return [compareRates(results, `uploads(first: ${PAGE})`, BARE, { atLeast: 0.5 })]
    }),
}

/** Starts the gateway and the peers on one database file. */
async function withReaders<T>(
  setup: Setup,
  peers: readonly { readonly name: string }[],
  work: (readers: readonly Contestant[]) => Promise<T>,
): Promise<T> {
  const file = await seededFile(setup)
  const readers = peers.map(({ name }) => ({
    name,
    start: () => startPeer(setup, name, { DATABASE_FILE: file }),
  }))
  return withServer(
    () => startFakeStream(setup),
    (stream) => withContestants([headgate(setup, file, stream), ...readers], work),
  )
}
