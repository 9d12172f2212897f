/** Rate of `createDirectUpload`, durable before the response, against proxies that store nothing or little. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { z } from 'zod'
import { type Contestant, withContestants, withServer } from '../compare-servers.ts'
import { sendOperation, mintOne, prepareRequests } from '../operations.ts'
import { startFakeStream, startPeer } from '../setup.ts'
import { type Results, compareRates, driveAll } from './drive-all.ts'
import type { Row } from './row.ts'
import { headgate } from './seeded.ts'

const EXPRESS = { name: 'express-proxy', title: 'express + fetch, stores nothing' }
const BARE = { name: 'bare-proxy', title: 'bare node:http + undici, stores nothing' }
const DURABLE = {
  name: 'bare-durable-proxy',
  title: 'bare node:http + undici + SQLite, the same commits',
}
const ROW = 'createDirectUpload, durable'

export const minting: Row = {
  name: 'minting',
  partOf: 'quick',
  needsPeers: true,
  run: (setup) =>
    withServer(
      () => startFakeStream(setup),
      async (stream) => {
        const file = join(setup.folder, 'minting.db')
        const variables = { STREAM_URL: `${stream.url}/client/v4/accounts/local/stream` }
        const proxies = [EXPRESS, BARE, DURABLE].map(({ name }) => ({
          name,
          start: () =>
            startPeer(setup, name, {
              ...variables,
              DATABASE_FILE: join(setup.folder, `${name}.db`),
            }),
        }))
        const results = await withContestants(
          [headgate(setup, file, stream), ...proxies],
          async (minters) => {
            await expectMinting(minters)
            return driveAll(setup, minters, prepareRequests(200, mintOne), [stream.pid])
          },
        )
        const lost = findLost(file, results)
        return [
          compareRates(results, ROW, EXPRESS, { atLeast: 4 }, lost),
          compareRates(results, ROW, BARE, { atLeast: 0.35 }, lost),
          compareRates(results, ROW, DURABLE, { atLeast: 0.7 }, lost),
        ]
      },
    ),
}

const upload = z.object({ uid: z.string().regex(/^[0-9a-f]{32}$/) })
const uploadURL = z.string()
/** The response of the gateway, or Stream's `result` as the proxies return it. */
const minted = z.union([
  z
    .object({ data: z.object({ createDirectUpload: z.object({ uploadURL, upload }) }) })
    .transform(({ data }) => ({
      uid: data.createDirectUpload.upload.uid,
      uploadURL: data.createDirectUpload.uploadURL,
    })),
  upload.extend({ uploadURL }),
])

/** Throws when a server does not return a uid and its URL. */
async function expectMinting(minters: readonly Contestant[]): Promise<void> {
  for (const { name, server } of minters) {
    const result = minted.parse(await sendOperation(server, mintOne(0)))
    if (!result.uploadURL.endsWith(result.uid))
      throw new Error(`${name} returned a URL of another uid.`)
  }
}

/** Checks that the file contains every confirmed upload; returns a problem otherwise. */
function findLost(file: string, results: Results): readonly string[] {
  const succeeded = results('headgate').reduce((sum, { succeeded: count }) => sum + count, 0)
  const database = new Database(file, { readonly: true })
  const stored = z
    .number()
    .parse(database.prepare('select count(*) from uploads where uid is not null').pluck().get())
  database.close()
  return stored >= succeeded ? [] : [`${succeeded} uploads were confirmed and ${stored} are stored`]
}
