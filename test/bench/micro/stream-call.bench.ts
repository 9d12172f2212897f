/** What a call to Stream costs the gateway in processor time, and what a notice of Stream's does. */
import { readVideo } from '../../../src/stream/read-video.ts'
import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Pool } from 'undici'
import { verifyHmac } from '../../../src/node/verify-hmac.ts'
import { createUndiciTransport } from '../../../src/node/undici-transport.ts'
import { verifyWebhook } from '../../../src/http/webhooks/verify-webhook.ts'
import { createRestStreamApi } from '../../../src/stream/rest/rest-stream-api.ts'
import { createFetchTransport } from '../../../src/stream/rest/fetch-transport.ts'
import { createWebCryptoHmac } from '../../../src/http/webhooks/hmac.ts'
import { uploadParamsFor } from '../../contracts/stream-suite.ts'

const CALLS = Number(process.env['HEADGATE_BENCH_CALLS'] ?? 5000)
const AT_ONCE = 50
const ROUNDS = 5

const uid = 'f65014bc6ff5419ea86e7972a047ba22'
const minted = { uid, uploadURL: `https://upload.videodelivery.net/${uid}` }
const envelope = JSON.stringify({ result: minted, success: true, errors: [], messages: [] })

/** The least that can answer, in a process of its own, so that its work is not counted. */
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
  readonly what: string
  readonly 'µs of processor time, median': number
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
  // oxlint-disable-next-line no-console -- the figures are what this file is for
  console.table(rows)
})

it('a POST by undici alone', async () => {
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
] as const)('createDirectUpload by %s', async (way, send) => {
  const backend = createRestStreamApi({ accountId: 'a', apiToken: 'token', baseUrl: url, send })
  const order = uploadParamsFor('user-1')
  expect(await backend.createDirectUpload(order)).toEqual(minted)
  await measure(`createDirectUpload by ${way}`, () => backend.createDirectUpload(order))
})

it.each([
  ['Node', verifyHmac],
  ['Web Crypto', createWebCryptoHmac()],
] as const)('a notice of 2 kB, verified by %s', async (way, isSigned) => {
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
    isSigned,
  }
  expect(await verifyWebhook(webhook)).toMatchObject({ kind: 'verified' })
  await measure(`a notice of 2 kB, verified by ${way}`, () => verifyWebhook(webhook))
})

/** Rounds of calls, some at once; the first round is for warming up. */
async function measure(what: string, call: () => Promise<unknown>): Promise<void> {
  const costs: number[] = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    let left = CALLS
    const before = process.cpuUsage()
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        while ((left -= 1) >= 0) await call()
      }),
    )
    const { user, system } = process.cpuUsage(before)
    if (round > 0) costs.push((user + system) / CALLS)
  }
  costs.sort((a, b) => a - b)
  const [least = 0] = costs
  const median = costs[Math.floor(costs.length / 2)] ?? 0
  rows.push({ what, 'µs of processor time, median': oneDecimal(median), least: oneDecimal(least) })
}

function oneDecimal(number: number): number {
  return Math.round(number * 10) / 10
}
