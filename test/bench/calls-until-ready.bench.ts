/** What it costs at Stream's API until many uploads at once are READY, beside asking for each. */
import { createClient } from 'graphql-ws'
import { afterAll, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { createDirectUpload, expectMinted, postFile } from '../kit/operations.ts'

const UPLOADS = Number(process.env['HEADGATE_BENCH_UPLOADS'] ?? 1000)
const AT_ONCE = 20

interface Row {
  readonly webhooks: string
  readonly uploads: number
  /** Seconds from minting to READY as its watcher saw it, added up: one GET a second for each. */
  readonly 'GETs by polling': number
  /** What the gateway asked Stream meanwhile. */
  readonly calls: number
  readonly 'calls per upload': number
  readonly ratio: number
}

const rows: Row[] = []

afterAll(() => {
  // oxlint-disable-next-line no-console -- the figures are what this file is for
  console.table(rows)
})

it.each([
  { webhooks: 'arrive', drop: false, limit: 0.01 },
  { webhooks: 'are all lost', drop: true, limit: 0.02 },
])('asks little where webhooks $webhooks', async ({ webhooks, drop, limit }) => {
  const gateway = await startTestGateway({
    EMULATOR_STORAGE_MINUTES: '100000',
    EMULATOR_ENCODE_MS: '2000',
    RATE_LIMIT_CREATES: '100000',
  })
  if (drop) await gateway.emulator.fault({ on: 'webhook', times: 10 * UPLOADS, drop })
  const watchReady = watcherOf(gateway)
  const caller = gateway.as()

  const secondsUntilReady: number[] = []
  await eachOf(UPLOADS, async () => {
    const begun = performance.now()
    const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
    const ready = watchReady(uid)
    const response = await postFile(uploadURL, testcardFile())
    expect(response.status).toBe(200)
    await ready
    secondsUntilReady.push((performance.now() - begun) / 1000)
  })

  const { requests } = await gateway.emulator.state()
  const calls = (requests['list'] ?? 0) + (requests['details'] ?? 0)
  const polling = Math.round(secondsUntilReady.reduce((sum, seconds) => sum + seconds, 0))
  const ratio = calls / polling
  rows.push({
    webhooks,
    uploads: secondsUntilReady.length,
    'GETs by polling': polling,
    calls,
    'calls per upload': Number((calls / UPLOADS).toFixed(4)),
    ratio: Number(ratio.toFixed(4)),
  })
  expect(ratio).toBeLessThanOrEqual(limit)
})

/** All at once, except that only so many begin at the same moment. */
async function eachOf(count: number, work: () => Promise<void>): Promise<void> {
  const all: Promise<void>[] = []
  for (let begun = 0; begun < count; begun += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - begun) }, work)
    all.push(...some)
    await new Promise((resolve) => {
      setTimeout(resolve, 100)
    })
  }
  await Promise.all(all)
}

/** Watches many uploads over one socket; resolves when this one is READY. */
function watcherOf(gateway: TestGateway): (uid: string) => Promise<void> {
  const client = createClient({
    url: `${gateway.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    lazy: false,
  })
  onTestFinished(async () => {
    await client.dispose()
  })
  const shape = z.object({ uploadStatus: z.object({ status: z.string() }) })
  const query = 'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status } }'
  return async (uid) => {
    let status = ''
    for await (const { data } of client.iterate({ query, variables: { uid } })) {
      status = shape.parse(data).uploadStatus.status
    }
    expect(status).toBe('READY')
  }
}
