/**
 * Processor time of `createDirectUpload` with callbacks, recorded and sent, compared with a gateway without callbacks.
 * The time of the receiver does not count: it is a process of its own, on the core of the load generator.
 */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { z } from 'zod'
import { withContestants, withServer } from '../compare-servers.ts'
import { mintOne, prepareRequests } from '../operations.ts'
import { startFakeStream, startGateway } from '../setup.ts'
import { type Results, compareRates, driveAll } from './drive-all.ts'
import type { Row } from './row.ts'

const WITHOUT = { name: 'without-callbacks', title: 'the same gateway without callbacks' }
const SECRET = `whsec_${Buffer.from('a callback secret of the benchmark').toString('base64')}`
/** Time in milliseconds for the callbacks of the last uploads. */
const SEND_TIMEOUT_MS = 5000

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
          {
            name: WITHOUT.name,
            start: () => startGateway(setup, other, stream, {}, WITHOUT.name),
          },
        ]
        return withContestants(entrants, async (gateways) => {
          const results = await driveAll(setup, gateways, prepareRequests(200, mintOne), [
            stream.pid,
          ])
          // 15 % more time for each upload.
          const target = { atLeast: 1 / 1.15, by: 'processor time' } as const
          const problems = await findProblems(file, results)
          return [
            compareRates(results, 'createDirectUpload with callbacks', WITHOUT, target, problems),
          ]
        })
      },
    ),
}

const counted = z.object({ events: z.number(), waiting: z.number() })

/** Checks that an event of every confirmed upload was recorded and sent; returns problems otherwise. */
async function findProblems(file: string, results: Results): Promise<readonly string[]> {
  const succeeded = results('headgate').reduce((sum, { succeeded: count }) => sum + count, 0)
  const database = new Database(file, { readonly: true })
  const count = database.prepare(`select (select count(*) from callback_events) as events,
    (select count(*) from callback_deliveries where state = 'waiting') as waiting`)
  const deadline = Date.now() + SEND_TIMEOUT_MS
  let { events, waiting } = counted.parse(count.get())
  while (waiting > 0 && Date.now() < deadline) {
    await pause(100)
    ;({ events, waiting } = counted.parse(count.get()))
  }
  database.close()
  return [
    ...(events >= succeeded ? [] : [`${succeeded} uploads were confirmed, ${events} recorded`]),
    ...(waiting === 0 ? [] : [`${waiting} callbacks were not sent in time`]),
  ]
}
