/** Rate of reading one upload by uid from PostgreSQL. */
import { withContestants, withServer } from '../compare-servers.ts'
import { compareResponses, readOne, prepareRequests } from '../operations.ts'
import { withSeededPostgres } from '../postgres.ts'
import { startFakeStream, startGatewayOn, startPeer } from '../setup.ts'
import { compareRates, driveAll } from './drive-all.ts'
import type { Row } from './row.ts'
import { SEEDED } from './seeded.ts'

/** Number of different uids, distributed over the whole database. */
const DIFFERENT = 2000
const BARE = { name: 'bare-postgres', title: 'bare node:http + pg' }

export const readingPostgres: Row = {
  name: 'reading-postgres',
  partOf: 'quick',
  needsPeers: false,
  run: async (setup) =>
    (await withSeededPostgres(setup, SEEDED, ({ url }) =>
      withServer(
        () => startFakeStream(setup),
        (stream) =>
          withContestants(
            [
              { name: 'headgate', start: () => startGatewayOn(setup, url, stream) },
              { name: BARE.name, start: () => startPeer(setup, BARE.name, { DATABASE_URL: url }) },
            ],
            async (readers) => {
              await compareResponses(readers, [readOne(0), readOne(27), readOne(4321)])
              const step = SEEDED / DIFFERENT
              const list = prepareRequests(DIFFERENT, (at) => readOne(at * step))
              const results = await driveAll(setup, readers, list)
              return [compareRates(results, 'upload(uid), PostgreSQL', BARE, { atLeast: 0.7 })]
            },
          ),
      ),
    )) ?? [],
}
