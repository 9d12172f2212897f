/** CPU time of a request to Stream and of verifying a webhook. */
import { readVideo } from '../../../src/stream/read-video.ts'
import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Pool } from 'undici'
import { createUndiciTransport } from '../../../src/node/undici-transport.ts'
import { verifyWebhook } from '../../../src/http/webhooks/verify-webhook.ts'
import { createRestStreamApi } from '../../../src/stream/rest/rest-stream-api.ts'
import { createFetchTransport } from '../../../src/stream/rest/fetch-transport.ts'
import { uploadParamsFor } from '../../contracts/stream-suite.ts'

const CALLS = Number(process.env['HEADGATE_BENCH_CALLS'] ?? 5000)
const CONCURRENCY = 50
const ROUNDS = 5

const uid = 'f65014bc6ff5419ea86e7972a047ba22'
const minted = { uid, uploadURL: `https://upload.videodelivery.net/${uid}` }
const envelope = JSON.stringify({ result: minted, success: true, errors: [], messages: [] })

/** A minimal server in a separate process, so that its CPU time is not counted. */
const SERVER = `
  const { createServer } = require('node:http')
  const body = ${JSON.stringify(envelope)}
  const headers = { 'content-type': 'application/json', 'content-length': body.length }
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, headers).end(body))
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
`

interface Row {
  readonly title: string
  readonly 'µs of CPU time, median': number
  readonly least: number
}

const rows: Row[] = []
const pooled = createUndiciTransport()
const server = spawn(process.execPath, ['--eval', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] })
let url: string
let bare: Pool

beforeAll(async () => {
  const [port] = await once(server.stdout, 'data')
  url = `http://127.0.0.1:${String(port).trim()}`
  bare = new Pool(url, { connections: 128 })
})

afterAll(async () => {
  await bare.close()
  await pooled.close()
  server.kill()
  // oxlint-disable-next-line no-console -- prints the results
  console.table(rows)
})

it('measures a POST by undici alone', async () => {
  const options = {
    path: '/stream/direct_upload',
    method: 'POST',
    headers: { authorization: 'Bearer token', 'content-type': 'application/json' },
    body: JSON.stringify(uploadParamsFor('user-1')),
  } as const
  const post = async () => (await bare.request(options)).body.text()
  expect(await post()).toBe(envelope)
  await measure('a POST by undici alone', post)
})

it.each([
  ['undici', pooled.send],
  ['fetch', createFetchTransport()],
] as const)('measures createDirectUpload by %s', async (transport, send) => {
  const streamApi = createRestStreamApi({ accountId: 'a', apiToken: 'token', baseUrl: url, send })
  const params = uploadParamsFor('user-1')
  expect(await streamApi.createDirectUpload(params)).toEqual(minted)
  await measure(`createDirectUpload by ${transport}`, () => streamApi.createDirectUpload(params))
})

it('measures verifying a webhook of 2 kB', async () => {
  const secret = '85011ed3a913c6ad5f9cf6c5573cc0a7'
  const now = new Date()
  const time = Math.floor(now.getTime() / 1000)
  const body = JSON.stringify({
    uid,
    readyToStream: true,
    status: { state: 'ready', pctComplete: '100.000000' },
    created: now.toISOString(),
    modified: now.toISOString(),
    duration: 5.5,
    size: 383_631,
    input: { width: 1920, height: 1080 },
    playback: { hls: `https://a.example/${uid}.m3u8`, dash: `https://a.example/${uid}.mpd` },
    meta: { name: 'x.mp4', filler: 'x'.repeat(1500) },
  })
  const digest = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')
  const webhook = {
    rawBody: new TextEncoder().encode(body),
    signature: `time=${time},sig1=${digest}`,
    secrets: [secret],
    now,
    readVideo: (text: string) => readVideo(JSON.parse(text)),
  }
  expect(await verifyWebhook(webhook)).toMatchObject({ kind: 'verified' })
  await measure('verifying a webhook of 2 kB', () => verifyWebhook(webhook))
})

/** Measures rounds of concurrent calls; the first round is a warm-up. */
async function measure(title: string, call: () => Promise<unknown>): Promise<void> {
  const costs: number[] = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    let left = CALLS
    const before = process.cpuUsage()
    await Promise.all(
      Array.from({ length: CONCURRENCY }, async () => {
        while ((left -= 1) >= 0) await call()
      }),
    )
    const { user, system } = process.cpuUsage(before)
    if (round > 0) costs.push((user + system) / CALLS)
  }
  costs.sort((a, b) => a - b)
  const [least = 0] = costs
  const median = costs[Math.floor(costs.length / 2)] ?? 0
  rows.push({ title, 'µs of CPU time, median': oneDecimal(median), least: oneDecimal(least) })
}

function oneDecimal(number: number): number {
  return Math.round(number * 10) / 10
}
