/** Minting, each upload durable before its answer, against proxies that keep nothing. */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { z } from 'zod'
import { busyNote, judge, rateOf } from '../entry.ts'
import { targetOf } from '../load/requests.ts'
import type { Measured } from '../load/work.ts'
import { ask, mintOne, shots } from '../operations.ts'
import type { Server } from '../processes.ts'
import { inTurn, startFakeStream, startGateway, startPeer, withServers } from '../stage.ts'
import type { Row } from './row.ts'

const CONNECTIONS = 50
const uid = z.string().regex(/^[0-9a-f]{32}$/)
const proxied = z.object({ uid, uploadURL: z.string() })
const minted = z.object({
  data: z.object({
    createDirectUpload: z.object({ uploadURL: z.string(), upload: z.object({ uid }) }),
  }),
})

export const minting: Row = {
  name: 'minting',
  partOf: 'quick',
  needsPeers: true,
  async run(stage) {
    const file = join(stage.folder, 'minting.db')
    return withServers([() => startFakeStream(stage)], async ([stream]) => {
      if (stream === undefined) throw new Error('There is no Stream.')
      const variables = { STREAM_URL: `${stream.url}/client/v4/accounts/local/stream` }
      const names = ['headgate', 'express-proxy', 'bare-proxy']
      const measured = await withServers(
        [
          () => startGateway(stage, file, stream),
          () => startPeer(stage, 'express-proxy', variables),
          () => startPeer(stage, 'bare-proxy', variables),
        ],
        async (servers) => {
          await expectMinting(servers)
          const contestants = servers.map((server, at) => ({
            name: names[at] ?? '',
            measure: (warmUpMs: number) =>
              stage.load.closedLoop({
                target: targetOf(server.url),
                source: { kind: 'list', shots: shots(200, mintOne) },
                connections: CONNECTIONS,
                pid: server.pid,
                warmUpMs,
                windowMs: stage.windowMs,
              }),
          }))
          return inTurn(stage, contestants)
        },
      )
      const lost = countLost(file, measured('headgate'))
      const entryAgainst = (peer: string, name: string, atLeast: number) =>
        judge({
          row: 'createDirectUpload, durable',
          unit: 'req/s',
          ours: measured('headgate').map(rateOf),
          peer: { name, rounds: measured(peer).map(rateOf) },
          target: { atLeast },
          isRatio: true,
          problems: lost,
          notes: [busyNote([...measured('headgate'), ...measured(peer)])],
        })
      return [
        entryAgainst('express-proxy', 'express + fetch, keeps nothing', 4),
        entryAgainst('bare-proxy', 'bare node:http + undici, keeps nothing', 0.35),
      ]
    })
  },
}

/** Each hands out a fresh uid and the URL that belongs to it. */
async function expectMinting([gateway, ...proxies]: readonly Server[]): Promise<void> {
  if (gateway === undefined) throw new Error('There is no gateway.')
  const { createDirectUpload } = minted.parse(await ask(gateway, mintOne(0))).data
  const all = [{ uid: createDirectUpload.upload.uid, uploadURL: createDirectUpload.uploadURL }]
  for (const proxy of proxies) all.push(proxied.parse(await ask(proxy, mintOne(0))))
  const odd = all.find((one) => !one.uploadURL.endsWith(one.uid))
  if (odd !== undefined) throw new Error(`A URL is not of its upload: ${JSON.stringify(odd)}`)
}

/** Every upload that was answered for must stand in the file; the sentence where one does not. */
function countLost(file: string, rounds: readonly Measured[]): readonly string[] {
  const answered = rounds.reduce((sum, { accepted }) => sum + accepted.count, 0)
  const database = new Database(file, { readonly: true })
  const kept = z
    .number()
    .parse(database.prepare('select count(*) from uploads where uid is not null').pluck().get())
  database.close()
  return kept >= answered ? [] : [`${answered} were answered for and ${kept} are kept`]
}
