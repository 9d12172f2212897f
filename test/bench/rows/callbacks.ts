/** Rate of `createDirectUpload` with callbacks, recorded and sent, compared with a gateway without callbacks. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { z } from 'zod'
import { withContestants, withServer } from '../compare-servers.ts'
import { mintOne, prepareRequests } from '../operations.ts'
import { startFakeStream, startGateway } from '../setup.ts'
import { type Results, compareRates, driveAll } from './drive-all.ts'
import type { Row } from './row.ts'

const WITHOUT = { name: 'without-callbacks', title: 'the same gateway without callbacks' }
const SECRET = `whsec_${Buffer.from('a callback secret of the benchmark').toString('base64')}`

export const callbacks: Row = {
  name: 'callbacks',
  partOf: 'quick',
  needsPeers: false,
  run: (setup) =>
    withServer(
      () => startFakeStream(setup),
      async (stream) => {
        const file = join(setup.folder, 'callbacks.db')
        // The stub of Stream responds 200 to every request, so it also receives the callbacks.
        const variables = { CALLBACK_URLS: `${stream.url}/callbacks`, CALLBACK_SECRET: SECRET }
        const other = join(setup.folder, `${WITHOUT.name}.db`)
        const entrants = [
          { name: 'headgate', start: () => startGateway(setup, file, stream, variables) },
          { name: WITHOUT.name, start: () => startGateway(setup, other, stream) },
        ]
        return withContestants(entrants, async (gateways) => {
          const results = await driveAll(setup, gateways, prepareRequests(200, mintOne), [
            stream.pid,
          ])
          // 15 % more time for each upload.
          const target = { atLeast: 1 / 1.15 }
          const lost = findLost(file, results)
          return [compareRates(results, 'createDirectUpload with callbacks', WITHOUT, target, lost)]
        })
      },
    ),
}

/** Checks that an event of every confirmed upload was recorded; returns a problem otherwise. */
function findLost(file: string, results: Results): readonly string[] {
  const succeeded = results('headgate').reduce((sum, { succeeded: count }) => sum + count, 0)
  const database = new Database(file, { readonly: true })
  const events = z
    .number()
    .parse(database.prepare('select count(*) from callback_events').pluck().get())
  database.close()
  return events >= succeeded ? [] : [`${succeeded} uploads were confirmed, ${events} recorded`]
}
