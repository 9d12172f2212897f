/** Webhooks of Stream: verified, recorded durably, confirmed. Each one changes its upload. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { z } from 'zod'
import { withContestants, withServer } from '../compare-servers.ts'
import { makeWebhook } from '../load/requests.ts'
import type { Server } from '../processes.ts'
import { isPending, uidOf } from '../seed.ts'
import { WEBHOOK_SECRET, startFakeStream, startPeer } from '../setup.ts'
import { compareRates, driveAll } from './drive-all.ts'
import type { Row } from './row.ts'
import { SEEDED, headgate, seededCopy } from './seeded.ts'

const BARE = { name: 'bare-webhook', title: 'bare node:http + HMAC + SQLite, a commit each' }
/** Percent that each round adds to the progress, so that no webhook repeats one of an earlier round. */
const ROUND_STEP = 15

export const webhook: Row = {
  name: 'webhook',
  partOf: 'quick',
  needsPeers: false,
  run: (setup) =>
    withServer(
      () => startFakeStream(setup),
      async (stream) => {
        const file = await seededCopy(setup, 'webhook')
        const variables = { STREAM_WEBHOOK_SECRET: WEBHOOK_SECRET }
        const bareVariables = {
          ...variables,
          DATABASE_FILE: join(setup.folder, `${BARE.name}.db`),
        }
        const bare = { name: BARE.name, start: () => startPeer(setup, BARE.name, bareVariables) }
        const uids = Array.from({ length: SEEDED }, (_, at) => at)
          .filter(isPending)
          .map(uidOf)
        return withContestants([headgate(setup, file, stream), bare], async (receivers) => {
          for (const { server } of receivers) await expectVerifying(server, uids[0] ?? '')
          const before = countVersions(file)
          const results = await driveAll(setup, receivers, (round) => ({
            kind: 'webhooks',
            secret: WEBHOOK_SECRET,
            uids,
            from: 1 + round * ROUND_STEP,
          }))
          const recorded = countVersions(file) - before
          const succeeded = results('headgate').reduce(
            (sum, { succeeded: count }) => sum + count,
            0,
          )
          const lost = recorded >= succeeded ? [] : [`${succeeded} confirmed, ${recorded} recorded`]
          return [compareRates(results, 'webhook, durable', BARE, { atLeast: 0.5 }, lost)]
        })
      },
    ),
}

/** Each recorded webhook creates a new version of its upload. */
function countVersions(file: string): number {
  const database = new Database(file, { readonly: true })
  const sum = database.prepare('select sum(version) from uploads').pluck().get()
  database.close()
  return z.number().parse(sum)
}

/** Throws if a server accepts an invalid signature or rejects a valid one. */
async function expectVerifying({ url }: Server, uid: string): Promise<void> {
  const { body, signature } = makeWebhook(WEBHOOK_SECRET, uid, 0.5)
  const send = async (signed: string): Promise<number> => {
    const headers = { 'content-type': 'application/json', 'webhook-signature': signed }
    const response = await fetch(`${url}/webhooks/stream`, { method: 'POST', headers, body })
    await response.body?.cancel()
    return response.status
  }
  const statuses = [await send(signature), await send(signature.replace(/.{4}$/, '0000'))]
  if (statuses.join() !== '200,401')
    throw new Error(`Expected the statuses 200,401 and got ${statuses.join()}.`)
}
