/** Features only of Workers: cron, queue, cancelled requests and configuration by bindings. */
import { SignJWT } from 'jose'
import { Upload } from 'tus-js-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type TestEmulator, startTestEmulator } from '../kit/emulator.ts'
import { createKey, startProvider } from '../kit/jwks-server.ts'
import { paddedTestcard, testcardFile } from '../kit/media.ts'
import {
  createDirectUpload,
  expectMinted,
  postFile,
  watchToEnd,
  watchUpload,
} from '../kit/operations.ts'
import { type TestWorker, startWorker } from '../kit/gateway-worker.ts'

let emulator: TestEmulator
let worker: TestWorker

beforeAll(async () => {
  emulator = await startTestEmulator()
  worker = await startWorker({
    variables: { AUTH_DISABLED: 'true' },
    stream: { emulator, by: 'both' },
  })
})
afterAll(async () => {
  await worker.stop()
  await emulator.close()
})

const newest = z.object({
  uploads: z.object({ nodes: z.array(z.object({ uid: z.string(), name: z.string().nullable() })) }),
})
const found = z.object({ upload: z.object({ status: z.string() }) })

async function statusOf(uid: string): Promise<string> {
  const query = 'query ($uid: ID!) { upload(uid: $uid) { status } }'
  return (await worker.as().request(found, query, { uid })).upload.status
}

/** Resolves once the condition is true; it depends on another process. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate)
}

/** Uploads a file that becomes ready at Stream without a webhook to the gateway. */
async function uploadWithoutWebhook(): Promise<string> {
  const { uid, uploadURL } = expectMinted(await createDirectUpload(worker.as()))
  await postFile(uploadURL, testcardFile())
  await until(async () => {
    const { videos } = await emulator.state()
    return videos.some((video) => video.uid === uid && video.state === 'ready')
  })
  return uid
}

const event = (type: string, payload: object, accountId: unknown = 'local') => ({
  type,
  source: { type: 'stream' },
  payload,
  metadata: { accountId, eventSchemaVersion: 1, eventTimestamp: '2026-05-28T00:00:00Z' },
})
const READY_EVENT = 'cf.stream.video_state.ready'
/** Payload of an event for a ready video, independent of the status at Stream. */
const ready = (id: string) => ({
  id,
  readyToStream: true,
  status: { state: 'ready', pctComplete: '100.000000', errorReasonCode: '', errorReasonText: '' },
  duration: 6,
  input: { width: 640, height: 360 },
  size: 1000,
  meta: {},
})

/** Reads the status from the database: a GraphQL query would make the hub poll Stream. */
async function storedStatus(uid: string): Promise<unknown> {
  const statement = worker.database.prepare('select status from uploads where uid = ?').bind(uid)
  const [result] = await worker.database.batch([statement])
  const row = z.array(z.object({ status: z.string() })).parse(result?.results)
  return row[0]?.status
}

describe.concurrent('a Stream event from the queue', () => {
  it('makes the gateway poll Stream for its video', async () => {
    const uid = await uploadWithoutWebhook()
    expect(await storedStatus(uid)).toBe('PENDING_UPLOAD')
    await worker.queue.send(event(READY_EVENT, { id: uid }))
    await worker.logged('queue event processed', uid)
    expect(await storedStatus(uid)).toBe('READY')
  })

  it('sends READY to subscribers of its video', async () => {
    const uid = await uploadWithoutWebhook()
    const states = watchUpload(worker.as(), uid)
    await states.next()
    await worker.queue.send(event(READY_EVENT, ready(uid)))
    const statuses: string[] = []
    for await (const { status } of states) statuses.push(status)
    expect(statuses.at(-1)).toBe('READY')
  })

  it('is ignored if the status at Stream differs', async () => {
    const { uid } = expectMinted(await createDirectUpload(worker.as()))
    await worker.queue.send(event(READY_EVENT, ready(uid)))
    await worker.logged('queue event processed', uid)
    expect(await storedStatus(uid)).toBe('PENDING_UPLOAD')
  })

  it.each([['another'], [undefined], [7]])(
    'of the account %j is ignored and not redelivered',
    async (accountId) => {
      const uid = await uploadWithoutWebhook()
      const { metadata, ...rest } = event(READY_EVENT, ready(uid), accountId)
      await worker.queue.send(accountId === undefined ? rest : { ...rest, metadata })
      await worker.logged('queue event ignored: not from CLOUDFLARE_ACCOUNT_ID', uid)
      expect(await storedStatus(uid)).toBe('PENDING_UPLOAD')
    },
  )

  it('that is malformed or of no upload is ignored and does not block others', async () => {
    const uid = await uploadWithoutWebhook()
    for (const body of [
      'text',
      null,
      { type: 'cf.kv.namespace.created' },
      event(READY_EVENT, {}),
      event(READY_EVENT, { id: '../webhook' }),
      event(READY_EVENT, ready('f'.repeat(32))),
      event(READY_EVENT, ready(uid)),
    ]) {
      await worker.queue.send(body)
    }
    await until(async () => (await storedStatus(uid)) === 'READY')
    expect(worker.lines.filter((line) => line.includes('redelivers'))).toEqual([])
  })
})

describe.concurrent('a Worker', () => {
  it('polls due uploads by cron', async () => {
    const uid = await uploadWithoutWebhook()
    await worker.database.batch([
      worker.database.prepare('update uploads set check_at = 1 where uid = ?').bind(uid),
    ])
    expect(await worker.scheduled()).toBe('ok')
    expect(await statusOf(uid)).toBe('READY')
  })

  it('polls Stream for a client that queries the upload repeatedly', async () => {
    const uid = await uploadWithoutWebhook()
    await until(async () => (await statusOf(uid)) === 'READY')
    expect(await statusOf(uid)).toBe('READY')
  })

  it('closes the hub subscription of a client that disconnects', async () => {
    const { uid } = expectMinted(await createDirectUpload(worker.as()))
    const disconnect = new AbortController()
    const query = `subscription { uploadStatus(uid: "${uid}") { status } }`
    const response = await fetch(`${worker.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query }),
      signal: disconnect.signal,
    })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    for (let text = ''; !text.includes('PENDING_UPLOAD');) text += (await reader?.read())?.value
    disconnect.abort()
    // The runtime detects the disconnect at the next heartbeat.
    expect(await worker.logged('hub subscription closed', uid)).toContain('upload:')
  })

  it('accepts files of tus clients that are configured only with its endpoint', async () => {
    const file = paddedTestcard(6_000_000)
    const bytes = Buffer.from(await file.arrayBuffer())
    await new Promise<void>((resolve, reject) => {
      new Upload(bytes, {
        endpoint: `${worker.url}/tus`,
        metadata: { filename: 'endpoint.mp4' },
        retryDelays: null,
        onSuccess: () => resolve(),
        onError: reject,
      }).start()
    })
    const { uploads } = await worker
      .as()
      .request(newest, '{ uploads(first: 20) { nodes { uid name } } }')
    const uid = uploads.nodes.find(({ name }) => name === 'endpoint.mp4')?.uid ?? ''
    expect((await watchToEnd(worker.as(), uid)).at(-1)?.status).toBe('READY')
  })
})

it.concurrent('verifies tokens with the JWKS of an identity provider', async ({
  onTestFinished,
}) => {
  const key = await createKey('one')
  const provider = await startProvider([key], onTestFinished)
  const other = await startWorker({ variables: { AUTH_JWKS_URL: provider.url } })
  onTestFinished(() => other.stop())
  const token = await new SignJWT({ exp: Math.floor(Date.now() / 1000) + 3600 })
    .setProtectedHeader({ alg: 'ES256', kid: key.kid })
    .setSubject('ada')
    .sign(key.privateKey)
  const count = z.object({ uploads: z.object({ totalCount: z.number() }) })
  const countUploads = (): Promise<unknown> =>
    other.as(token).request(count, '{ uploads(first: 1) { totalCount } }')
  // One request fetches the JWKS for all concurrent requests.
  const results = await Promise.all(Array.from({ length: 10 }, countUploads))
  expect(results).toEqual(results.map(() => ({ uploads: { totalCount: 0 } })))
  expect(provider.fetched()).toBe(1)
  await expect(
    other.as(`${token}x`).request(count, '{ uploads(first: 1) { totalCount } }'),
  ).rejects.toThrow('UNAUTHENTICATED')
})

describe.concurrent('a Worker that is not configured', () => {
  it('responds 500 and logs every configuration error', async ({ onTestFinished }) => {
    const other = await startWorker({
      variables: {
        MAX_DURATION_SECONDS: 'long',
        AUTH_JWT_SECRET: 'short',
        CLOUDFLARE_API_TOKEN: '',
      },
    })
    onTestFinished(() => other.stop())
    const response = await fetch(`${other.url}/graphql`)
    expect([response.status, await response.text()]).toEqual([
      500,
      'The configuration of the gateway is invalid. See its log.\n',
    ])
    for (const name of [
      'MAX_DURATION_SECONDS',
      'AUTH_JWT_SECRET',
      'CLOUDFLARE_API_TOKEN',
      'STREAM',
    ]) {
      await other.logged(`"msg":"${name} `)
    }
    expect(other.lines.join('\n')).not.toContain('short')
  })

  it('logs the command that applies pending migrations', async ({ onTestFinished }) => {
    const other = await startWorker({ variables: { AUTH_DISABLED: 'true' }, migrated: false })
    onTestFinished(() => other.stop())
    expect((await fetch(`${other.url}/healthz`)).status).toBe(500)
    await other.logged('wrangler d1 migrations apply')
  })
})
