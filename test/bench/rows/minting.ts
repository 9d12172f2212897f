/** Minting, each upload durable before its answer, against proxies that keep nothing. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { z } from 'zod'
import { type Contestant, withContestants, withServer } from '../compare-servers.ts'
import { ask, mintOne, shots } from '../operations.ts'
import { startFakeStream, startPeer } from '../setup.ts'
import { type Results, compareRates, driveAll } from './drive-all.ts'
import type { Row } from './row.ts'
import { headgate } from './seeded.ts'

const EXPRESS = { name: 'express-proxy', title: 'express + fetch, keeps nothing' }
const BARE = { name: 'bare-proxy', title: 'bare node:http + undici, keeps nothing' }
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
        const proxies = [EXPRESS, BARE].map(({ name }) => ({
          name,
          start: () => startPeer(setup, name, variables),
        }))
        const results = await withContestants(
          [headgate(setup, file, stream), ...proxies],
          async (minters) => {
            await expectMinting(minters)
            return driveAll(setup, minters, shots(200, mintOne), [stream.pid])
          },
        )
        const lost = findLost(file, results)
        return [
          compareRates(results, ROW, EXPRESS, { atLeast: 4 }, lost),
          compareRates(results, ROW, BARE, { atLeast: 0.35 }, lost),
        ]
      },
    ),
}

const upload = z.object({ uid: z.string().regex(/^[0-9a-f]{32}$/) })
const uploadURL = z.string()
/** In the words of the gateway, and in Stream's own. */
const minted = z.union([
  z
    .object({ data: z.object({ createDirectUpload: z.object({ uploadURL, upload }) }) })
    .transform(({ data }) => ({
      uid: data.createDirectUpload.upload.uid,
      uploadURL: data.createDirectUpload.uploadURL,
    })),
  upload.extend({ uploadURL }),
])

/** Throws where one does not hand out a uid and the URL that belongs to it. */
async function expectMinting(minters: readonly Contestant[]): Promise<void> {
  for (const { name, server } of minters) {
    const one = minted.parse(await ask(server, mintOne(0)))
    if (!one.uploadURL.endsWith(one.uid)) throw new Error(`${name} mixes up URLs.`)
  }
}

/** Every upload that was answered for must stand in the file; the sentence where one does not. */
function findLost(file: string, results: Results): readonly string[] {
  const answered = results('headgate').reduce((sum, { answered: count }) => sum + count, 0)
  const database = new Database(file, { readonly: true })
  const kept = z
    .number()
    .parse(database.prepare('select count(*) from uploads where uid is not null').pluck().get())
  database.close()
  return kept >= answered ? [] : [`${answered} were answered for and ${kept} are kept`]
}
