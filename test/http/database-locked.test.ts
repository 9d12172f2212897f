/** Responses and readiness while SQLite's write lock is held, the disk is full or the file is damaged. */
import { createHmac } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { mountSmallDisk } from '../kit/small-disk.ts'

const SECRET = 'a secret of thirty-two bytes here'
const UID = '0123456789abcdef0123456789abcdef'
const MINT = /* GraphQL */ `
  mutation {
    createDirectUpload(input: { maxDurationSeconds: 60 }) {
      __typename
    }
  }
`

/** A gateway whose webhook secret the test knows. */
async function startGateway(
  variables: Readonly<Record<string, string>> = {},
): Promise<TestGateway> {
  const { emulator } = await startTestGateway()
  return startTestGateway({
    CLOUDFLARE_ACCOUNT_ID: 'local',
    CLOUDFLARE_API_TOKEN: 'local-token',
    CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
    STREAM_WEBHOOK_SECRET: SECRET,
    AUTH_DISABLED: 'true',
    ...variables,
  })
}

/** Takes the write lock on a second connection, as another process does. */
function holdWriteLock({ databaseFile }: TestGateway) {
  const connection = new Database(databaseFile)
  onTestFinished(() => void connection.close())
  connection.exec('begin immediate')
  return { release: () => void connection.exec('rollback') }
}

interface ResponseSummary {
  readonly status: number
  readonly retryAfter: string | null
  readonly text: string
}

async function summarize(response: Promise<Response>): Promise<ResponseSummary> {
  const { status, headers, text } = await response.then(async (result) => ({
    status: result.status,
    headers: result.headers,
    text: await result.text(),
  }))
  return { status, retryAfter: headers.get('retry-after'), text }
}

function mint({ url }: TestGateway): Promise<ResponseSummary> {
  return summarize(
    fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: MINT }),
    }),
  )
}

/** Sends one write to each endpoint that writes. */
function writeByEachEndpoint(gateway: TestGateway) {
  const { url, clock } = gateway
  const body = JSON.stringify({ uid: UID, readyToStream: true, status: { state: 'ready' } })
  const time = Math.floor(clock.now().getTime() / 1000)
  const digest = createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex')
  const headers = { 'webhook-signature': `time=${time},sig1=${digest}` }
  const tus = { 'tus-resumable': '1.0.0', 'upload-length': '1000' }
  return {
    graphql: mint(gateway),
    tus: summarize(fetch(`${url}/tus`, { method: 'POST', headers: tus })),
    webhook: summarize(fetch(`${url}/webhooks/stream`, { method: 'POST', headers, body })),
  }
}

async function readyz({ url }: TestGateway) {
  const { status, text } = await summarize(fetch(`${url}/readyz`))
  return { status, text }
}

const read = async (gateway: TestGateway): Promise<string> => {
  const query = encodeURIComponent('{ uploads(first: 5) { totalCount nodes { uid } } }')
  const { text } = await summarize(
    fetch(`${gateway.url}/graphql?query=${query}`, { headers: { accept: 'application/json' } }),
  )
  return text
}

const UNAVAILABLE = {
  errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 } }],
}

function unexpectedIn({ logs }: TestGateway): unknown[] {
  return logs.filter(({ message }) => message === 'unexpected error')
}

describe('while another process holds the write lock', () => {
  it('delays writes until the lock is released and serves all other requests', async () => {
    const gateway = await startGateway()
    expectMinted(await createDirectUpload(gateway.as()))
    const lock = holdWriteLock(gateway)
    const completed: string[] = []
    const writes = Object.entries(writeByEachEndpoint(gateway)).map(async ([name, write]) => {
      const { status, text } = await write
      completed.push(name)
      return { name, status, isUnavailable: text.includes('"errors"') }
    })
    for (let round = 0; round < 20; round += 1) {
      expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
      expect(await readyz(gateway)).toEqual({ status: 200, text: '{"status":"ready"}' })
      expect(JSON.parse(await read(gateway))).toMatchObject({
        data: { uploads: { totalCount: 1 } },
      })
    }
    expect(completed).toEqual([])
    lock.release()
    expect(await Promise.all(writes)).toEqual([
      { name: 'graphql', status: 200, isUnavailable: false },
      { name: 'tus', status: 201, isUnavailable: false },
      { name: 'webhook', status: 200, isUnavailable: false },
    ])
    expect(unexpectedIn(gateway)).toEqual([])
  })

  it('rejects writes with a retry delay after five seconds, as with PostgreSQL', async () => {
    const gateway = await startGateway()
    expectMinted(await createDirectUpload(gateway.as()))
    const lock = holdWriteLock(gateway)
    const writes = Promise.all(Object.values(writeByEachEndpoint(gateway)))
    // 20 seconds in total: less than the operation timeout, at any arrival order of the writes.
    for (let seconds = 0; seconds < 20; seconds += 1) {
      await read(gateway)
      gateway.clock.advance(1)
    }
    const [graphql, ...others] = await writes
    expect(JSON.parse(graphql?.text ?? '')).toMatchObject(UNAVAILABLE)
    for (const { status, retryAfter } of others) expect([status, retryAfter]).toEqual([503, '1'])
    expect(others).toHaveLength(2)

    expect(await readyz(gateway)).toEqual({
      status: 503,
      text: expect.stringMatching(/write lock of the SQLite file.*end its transaction/),
    })
    expect(JSON.parse(await read(gateway))).toMatchObject({ data: { uploads: { totalCount: 1 } } })
    lock.release()
    // Readiness recovers without a write of a client.
    await vi.waitFor(async () => expect((await readyz(gateway)).status).toBe(200), 3000)
    expectMinted(await createDirectUpload(gateway.as()))
    expect(unexpectedIn(gateway)).toEqual([])
  })

  it('does not count a failed creation towards the rate limit of its caller', async () => {
    const gateway = await startGateway({ RATE_LIMIT_CREATES: '2' })
    expectMinted(await createDirectUpload(gateway.as()))
    const lock = holdWriteLock(gateway)
    for (const _ of [1, 2, 3]) {
      const failed: ResponseSummary[] = []
      const graphql = mint(gateway).then((response) => failed.push(response))
      for (let seconds = 0; seconds < 10 && failed.length === 0; seconds += 1) {
        await read(gateway)
        gateway.clock.advance(1)
      }
      await graphql
      expect(JSON.parse(failed[0]?.text ?? '')).toMatchObject(UNAVAILABLE)
    }
    lock.release()
    expectMinted(await createDirectUpload(gateway.as()))
    expect(await createDirectUpload(gateway.as())).toMatchObject({ code: 'RATE_LIMITED' })
  })

  it('closes the database when the gateway stops', async () => {
    const gateway = await startGateway()
    holdWriteLock(gateway)
    await gateway.stop()
    expect(gateway.logs.filter(({ level }) => level === 'error')).toEqual([])
  })
})

describe('a full disk', () => {
  it('makes writes unavailable and the gateway not ready until space is free again', async (context) => {
    const disk = await mountSmallDisk(8)
    context.skip(disk === null, 'mounting a tmpfs is not allowed here')
    if (disk === null) return
    const gateway = await startGateway({ DATABASE_URL: `file:${join(disk.folder, 'headgate.db')}` })
    expectMinted(await createDirectUpload(gateway.as()))
    await disk.fill()
    const writes = writeByEachEndpoint(gateway)
    expect(JSON.parse((await writes.graphql).text)).toMatchObject(UNAVAILABLE)
    for (const write of [writes.tus, writes.webhook]) {
      const { status, retryAfter } = await write
      expect([status, retryAfter]).toEqual([503, '1'])
    }
    expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200)
    for (let round = 0; round < 3; round += 1) {
      expect(await readyz(gateway)).toEqual({
        status: 503,
        text: expect.stringContaining('disk of the SQLite file is full'),
      })
    }
    expect(JSON.parse(await read(gateway))).toMatchObject({ data: { uploads: { totalCount: 1 } } })
    await disk.free()
    // Readiness recovers without a write: a load balancer sends none to a gateway that is not ready.
    await vi.waitFor(async () => expect((await readyz(gateway)).status).toBe(200), 5000)
    expectMinted(await createDirectUpload(gateway.as()))
    expect(unexpectedIn(gateway)).toEqual([])
  })

  it('does not prevent the gateway from closing its database', async (context) => {
    const disk = await mountSmallDisk(8)
    context.skip(disk === null, 'mounting a tmpfs is not allowed here')
    if (disk === null) return
    const gateway = await startGateway({ DATABASE_URL: `file:${join(disk.folder, 'headgate.db')}` })
    const { uid } = expectMinted(await createDirectUpload(gateway.as()))
    await disk.fill()
    await gateway.stop()
    await disk.free()
    const reopened = new Database(gateway.databaseFile)
    expect(reopened.prepare('select uid from uploads').pluck().all()).toEqual([uid])
    reopened.close()
  })
})

/** Overwrites all pages except the first and makes the gateway read the file again. */
async function damage({ databaseFile }: TestGateway): Promise<void> {
  // Open reads of this event-loop tick would prevent the WAL from being truncated.
  await new Promise(setImmediate)
  const other = new Database(databaseFile)
  other.pragma('wal_checkpoint(TRUNCATE)')
  const { size } = await stat(databaseFile)
  const file = await open(databaseFile, 'r+')
  await file.write(Buffer.alloc(size - 4096, 0xff), 0, size - 4096, 4096)
  await file.close()
  // A commit of another connection makes the gateway's cached pages stale.
  other.pragma('user_version = 1')
  other.close()
}

describe('a file that is damaged while the gateway runs', () => {
  it('makes reads and writes unavailable and reports the cause in the log and in `/readyz`', async () => {
    const gateway = await startGateway()
    const { uid } = expectMinted(await createDirectUpload(gateway.as()))
    await damage(gateway)
    for (const query of ['{ uploads { nodes { uid } } }', `{ upload(uid: "${uid}") { status } }`]) {
      const { text } = await summarize(
        fetch(`${gateway.url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query }),
        }),
      )
      expect(JSON.parse(text)).toMatchObject(UNAVAILABLE)
    }
    const { graphql, ...others } = writeByEachEndpoint(gateway)
    expect(JSON.parse((await graphql).text)).toMatchObject(UNAVAILABLE)
    for (const write of Object.values(others)) {
      const { status, retryAfter } = await write
      expect([status, retryAfter]).toEqual([503, '1'])
    }
    const { status, text } = await readyz(gateway)
    expect([status, text]).toEqual([503, expect.stringMatching(/damaged.*restore a backup/)])
    expect(unexpectedIn(gateway)).toEqual([])
    expect(gateway.logs).toContainEqual({
      level: 'warn',
      message: 'database unavailable',
      fields: {
        requestId: expect.any(String),
        err: expect.objectContaining({ message: expect.stringMatching(/damaged/) }),
      },
    })
  })
})
