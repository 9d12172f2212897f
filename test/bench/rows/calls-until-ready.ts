/** What it costs at Stream's API until many uploads at once are READY, beside asking for each. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { withServer } from '../compare-servers.ts'
import { type Entry, type Round, judge } from '../entry.ts'
import { ask, mintOne } from '../operations.ts'
import { COMMAND, ROOT } from '../paths.ts'
import { type Server, startServer } from '../processes.ts'
import { creatorOf } from '../seed.ts'
import type { Setup } from '../setup.ts'
import { JWT_SECRET, bearer } from '../tokens.ts'
import type { Row } from './row.ts'

const UPLOADS = 1000
/** Requests of one kind at the same time. All uploads are open and watched together. */
const AT_ONCE = 20

const CASES = [
  { webhooks: 'webhooks arrive', drop: false, atMost: 0.01 },
  { webhooks: 'webhooks are lost', drop: true, atMost: 0.02 },
]

export const callsUntilReady: Row = {
  name: 'calls-until-ready',
  partOf: 'quick',
  needsPeers: false,
  async run(setup) {
    const entries: Entry[] = []
    for (const [at, one] of CASES.entries()) {
      setup.say(`${UPLOADS} uploads, ${one.webhooks}`)
      const start = () => startWithEmulator(setup, `calls-${at}`)
      const { calls, polls } = await withServer(start, (server) => follow(server, one.drop))
      entries.push(
        judge({
          row: `API calls until READY, ${one.webhooks}`,
          unit: 'calls',
          ours: once(calls),
          peer: { name: `a GET a second for each of ${UPLOADS}`, rounds: once(polls) },
          target: { atMost: one.atMost },
          isRatio: true,
        }),
      )
    }
    return entries
  },
}

/** Counted once: a thousand uploads are measurements enough. */
function once(value: number): readonly Round[] {
  return [{ value, cpu: null, problem: null }]
}

/** The gateway with its embedded emulator. */
function startWithEmulator({ folder }: Setup, name: string): Promise<Server> {
  return startServer({
    program: [COMMAND, 'serve'],
    variables: {
      PORT: '0',
      DATABASE_URL: `file:${join(folder, `${name}.db`)}`,
      AUTH_JWT_SECRET: JWT_SECRET,
      RATE_LIMIT_CREATES: '1000000',
      EMULATOR_PORT: '0',
      EMULATOR_DIR: join(folder, name),
      EMULATOR_STORAGE_MINUTES: '1000000',
    },
    logFile: join(folder, `${name}.log`),
    // Calls are counted here, and no time: the emulator in the same process may have what it needs.
    core: null,
  })
}

const minted = z.object({
  data: z.object({
    createDirectUpload: z.object({ uploadURL: z.string(), upload: z.object({ uid: z.string() }) }),
  }),
})
const state = z.object({ requests: z.record(z.string(), z.number()) })

/** Mints every upload and watches it, then sends every file; ends when all are READY. */
async function follow(
  server: Server,
  dropWebhooks: boolean,
): Promise<{ readonly calls: number; readonly polls: number }> {
  const [, emulator = ''] = /Emulator +(http:\S+)/.exec(server.said()) ?? []
  if (dropWebhooks) {
    const fault = { on: 'webhook', times: 10 * UPLOADS, drop: true }
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify(fault)
    const planned = await fetch(`${emulator}/__emulator/faults`, { method: 'POST', headers, body })
    await planned.body?.cancel()
    if (!planned.ok) throw new Error('The emulator does not lose notices.')
  }
  const film = new File([readFileSync(join(ROOT, 'src/demo/testcard.mp4'))], 'testcard.mp4')
  const watchers = createWatchers(server.url)

  const addresses: string[] = []
  /** Seconds that each took from minting until READY, in which polling would have asked as often. */
  const waits: Promise<number>[] = []
  await eachOf(UPLOADS, async (at) => {
    const { createDirectUpload } = minted.parse(await ask(server, mintOne(at))).data
    const { uploadURL, upload } = createDirectUpload
    const begun = performance.now()
    const wait = watchers
      .untilReady(creatorOf(at), upload.uid)
      .then(() => (performance.now() - begun) / 1000)
    // Whatever goes wrong is heard when all are awaited.
    wait.catch(() => {})
    waits.push(wait)
    addresses.push(uploadURL)
  })
  await eachOf(UPLOADS, (at) => sendFile(addresses[at] ?? '', film))
  const seconds = await Promise.all(waits)
  await watchers.close()
  const response = await fetch(`${emulator}/__emulator/state`)
  const { requests } = state.parse(await response.json())
  const { list = 0, details = 0 } = requests
  if (dropWebhooks && list === 0) throw new Error('The emulator did not count what it was asked.')
  return {
    calls: list + details,
    polls: Math.round(seconds.reduce((sum, one) => sum + one, 0)),
  }
}

/** Does it for every number below the count, so many at the same time. */
async function eachOf(count: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0
  const workers = Array.from({ length: AT_ONCE }, async () => {
    while (next < count) {
      next += 1
      await work(next - 1)
    }
  })
  await Promise.all(workers)
}

async function sendFile(url: string, film: File): Promise<void> {
  const body = new FormData()
  body.set('file', film)
  const received = await fetch(url, { method: 'POST', body })
  if (received.status !== 200) throw new Error(`A file was answered ${received.status}.`)
  await received.body?.cancel()
}

const shown = z.object({ uploadStatus: z.object({ status: z.string() }) })

/** One socket a creator, over which all of its uploads are watched. */
function createWatchers(url: string) {
  const clients = new Map<string, ReturnType<typeof createClient>>()
  function clientOf(creator: string): ReturnType<typeof createClient> {
    const known = clients.get(creator)
    if (known !== undefined) return known
    const client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: bearer(creator) },
    })
    clients.set(creator, client)
    return client
  }

  return {
    async untilReady(creator: string, uid: string): Promise<void> {
      const query = 'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status } }'
      let status = ''
      for await (const { data } of clientOf(creator).iterate({ query, variables: { uid } })) {
        ;({ status } = shown.parse(data).uploadStatus)
      }
      if (status !== 'READY') throw new Error(`An upload ended as ${status}.`)
    },
    async close(): Promise<void> {
      for (const client of clients.values()) await client.dispose()
    },
  }
}
