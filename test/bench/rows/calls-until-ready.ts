/** Requests to Stream's API until many concurrent uploads are READY, compared with polling each. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { withServer } from '../compare-servers.ts'
import { type Entry, type Round, createEntry } from '../entry.ts'
import { sendOperation, mintOne } from '../operations.ts'
import { COMMAND, ROOT } from '../paths.ts'
import { type Server, startServer } from '../processes.ts'
import { creatorOf } from '../seed.ts'
import type { Setup } from '../setup.ts'
import { JWT_SECRET, bearer } from '../tokens.ts'
import type { Row } from './row.ts'

const UPLOADS = 1000
/** Concurrent requests of one kind. All uploads are created and watched at the same time. */
const CONCURRENCY = 20

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
    for (const [index, testCase] of CASES.entries()) {
      setup.log(`${UPLOADS} uploads, ${testCase.webhooks}`)
      const start = () => startWithEmulator(setup, `calls-${index}`)
      const { calls, polls } = await withServer(start, (server) =>
        countCalls(server, testCase.drop),
      )
      entries.push(
        createEntry({
          row: `API calls until READY, ${testCase.webhooks}`,
          unit: 'calls',
          rounds: singleRound(calls),
          peer: { name: `a GET a second for each of ${UPLOADS}`, rounds: singleRound(polls) },
          target: { atMost: testCase.atMost },
          isRatio: true,
        }),
      )
    }
    return entries
  },
}

/** A single round: a thousand uploads are enough measurements. */
function singleRound(value: number): readonly Round[] {
  return [{ value, cpu: null, problem: null }]
}

/** Starts the gateway with its embedded emulator. */
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
    // This row measures calls and no time, so the process is not pinned.
    core: null,
  })
}

const minted = z.object({
  data: z.object({
    createDirectUpload: z.object({ uploadURL: z.string(), upload: z.object({ uid: z.string() }) }),
  }),
})
const state = z.object({ requests: z.record(z.string(), z.number()) })

/** Creates and watches every upload, then sends every file; resolves when all are READY. */
async function countCalls(
  server: Server,
  dropWebhooks: boolean,
): Promise<{ readonly calls: number; readonly polls: number }> {
  const [, emulator = ''] = /Emulator +(http:\S+)/.exec(server.stderr()) ?? []
  if (dropWebhooks) {
    const fault = { on: 'webhook', times: 10 * UPLOADS, drop: true }
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify(fault)
    const faultResponse = await fetch(`${emulator}/__emulator/faults`, {
      method: 'POST',
      headers,
      body,
    })
    await faultResponse.body?.cancel()
    if (!faultResponse.ok) throw new Error('The emulator rejected the fault.')
  }
  const file = new File([readFileSync(join(ROOT, 'src/demo/testcard.mp4'))], 'testcard.mp4')
  const watchers = createWatchers(server.url)

  const uploadURLs: string[] = []
  /** Seconds of each upload from creation until READY: with polling, the same number of requests. */
  const waits: Promise<number>[] = []
  await eachOf(UPLOADS, async (at) => {
    const { createDirectUpload } = minted.parse(await sendOperation(server, mintOne(at))).data
    const { uploadURL, upload } = createDirectUpload
    const startedAt = performance.now()
    const wait = watchers
      .untilReady(creatorOf(at), upload.uid)
      .then(() => (performance.now() - startedAt) / 1000)
    // Errors are thrown by `Promise.all` below.
    wait.catch(() => {})
    waits.push(wait)
    uploadURLs.push(uploadURL)
  })
  await eachOf(UPLOADS, (at) => sendFile(uploadURLs[at] ?? '', file))
  const seconds = await Promise.all(waits)
  await watchers.close()
  const response = await fetch(`${emulator}/__emulator/state`)
  const { requests } = state.parse(await response.json())
  const { list = 0, details = 0 } = requests
  if (dropWebhooks && list === 0) throw new Error('The emulator counted no requests.')
  return {
    calls: list + details,
    polls: Math.round(seconds.reduce((sum, value) => sum + value, 0)),
  }
}

/** Calls `work` for every index below `count`, `CONCURRENCY` at a time. */
async function eachOf(count: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0
  const workers = Array.from({ length: CONCURRENCY }, async () => {
    while (next < count) {
      next += 1
      await work(next - 1)
    }
  })
  await Promise.all(workers)
}

async function sendFile(url: string, file: File): Promise<void> {
  const body = new FormData()
  body.set('file', file)
  const response = await fetch(url, { method: 'POST', body })
  if (response.status !== 200)
    throw new Error(`A file was rejected with status ${response.status}.`)
  await response.body?.cancel()
}

const statusEvent = z.object({ uploadStatus: z.object({ status: z.string() }) })

/** Watches all uploads of a creator over one WebSocket. */
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
        ;({ status } = statusEvent.parse(data).uploadStatus)
      }
      if (status !== 'READY') throw new Error(`The final status of an upload is ${status}.`)
    },
    async close(): Promise<void> {
      for (const client of clients.values()) await client.dispose()
    },
  }
}
