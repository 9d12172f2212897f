/** Uploads that Stream does not know: by a wrong configuration, for a while, or permanently. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { type TestEmulator, startTestEmulator } from '../kit/emulator.ts'
import { type TestGateway, callerOf, startTestGateway } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { createDirectUpload, deleteUpload, expectMinted, postFile } from '../kit/operations.ts'
import { createSetup } from '../fast-path/setup.ts'

const ACCOUNT = 'account-of-tests'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-missing-'))
  const made = folder
  onTestFinished(() => rm(made, { recursive: true, force: true }))
})

function startStream(accountId = ACCOUNT): Promise<TestEmulator> {
  return startTestEmulator({ accountId })
}

/** Starts a gateway with this Stream on the database of the test. */
function start(
  stream: TestEmulator,
  variables: Readonly<Record<string, string>> = {},
): Promise<TestGateway> {
  return startTestGateway({
    DATABASE_URL: `file:${join(folder, 'headgate.db')}`,
    CLOUDFLARE_ACCOUNT_ID: stream.accountId,
    CLOUDFLARE_API_TOKEN: stream.token,
    CLOUDFLARE_API_BASE_URL: stream.apiBaseUrl,
    STREAM_API_BUDGET: '1000000',
    STREAM_WEBHOOK_SECRET: 'a webhook secret of tests',
    AUTH_DISABLED: 'true',
    ...variables,
  })
}

const uploadSchema = z.object({
  upload: z.object({
    status: z.string(),
    history: z.array(z.object({ status: z.string(), source: z.string() })),
  }),
  storageUsage: z.object({ reservedMinutes: z.number(), storedMinutes: z.number() }),
})

async function readUpload(gateway: TestGateway, uid: string) {
  const { upload, storageUsage } = await gateway
    .as()
    .request(
      uploadSchema,
      'query ($uid: ID!) { upload(uid: $uid) { status history { status source } } storageUsage { reservedMinutes storedMinutes } }',
      { uid },
    )
  return { ...upload, ...storageUsage }
}

/** Advances the clocks in steps, and waits for a sync run after each. */
async function passSeconds(
  gateway: TestGateway,
  stream: TestEmulator,
  seconds: number,
  step = 15,
  until: () => Promise<boolean> = async () => false,
): Promise<void> {
  for (let passed = 0; passed < seconds; passed += step) {
    if (await until()) return
    gateway.clock.advance(step)
    await stream.advanceClock(step)
    await waitForRounds(gateway)
  }
}

/** Waits for the sync run that has begun, and for the next. */
async function waitForRounds(gateway: TestGateway): Promise<void> {
  const metrics = async (): Promise<number> => {
    const text = await (await fetch(`${gateway.url}/metrics`)).text()
    return Number(/^headgate_sync_round_duration_seconds_count (\d+)$/m.exec(text)?.[1] ?? 0)
  }
  const before = await metrics()
  for (let attempt = 0; attempt < 400 && (await metrics()) === before; attempt += 1) {
    gateway.clock.advance(1)
  }
}

const warnings = ({ logs }: TestGateway) =>
  logs.filter(({ message }) => message.startsWith('most polled uploads are missing at Stream'))

async function mint(gateway: TestGateway): Promise<{ uid: string; uploadURL: string }> {
  return expectMinted(await createDirectUpload(gateway.as()))
}

async function deleteAtStream(stream: TestEmulator, uid: string): Promise<void> {
  await fetch(`${stream.apiBaseUrl}/accounts/${stream.accountId}/stream/${uid}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${stream.token}` },
  })
}

describe('a Stream that knows none of the uploads', () => {
  test('changes no status within five minutes and logs one warning', async () => {
    const [originalStream, otherStream] = [await startStream(), await startStream()]
    const one = await start(originalStream)
    const minted = [await mint(one), await mint(one), await mint(one)]
    one.clock.advance(61)
    await one.stop()

    const other = await start(otherStream)
    other.clock.advance(61)
    await passSeconds(other, otherStream, 300, 60)
    for (const { uid } of minted) {
      expect((await readUpload(other, uid)).status).toBe('PENDING_UPLOAD')
    }
    expect((await otherStream.state()).requests['list']).toBeGreaterThan(2)
    expect(warnings(other)).toEqual([
      expect.objectContaining({ level: 'warn', fields: { missing: 3, known: 0 } }),
    ])
  })

  test('marks uploads as DELETED after ten minutes, until Stream knows them again', async () => {
    const [originalStream, otherStream] = [await startStream(), await startStream()]
    const one = await start(originalStream)
    const pending = await mint(one)
    const ready = await mint(one)
    await postFile(ready.uploadURL, testcardFile())
    const isReady = async () => (await readUpload(one, ready.uid)).status === 'READY'
    await passSeconds(one, originalStream, 600, 5, isReady)
    const before = await readUpload(one, pending.uid)
    expect(before).toMatchObject({ status: 'PENDING_UPLOAD' })
    expect(before.reservedMinutes).toBeGreaterThan(0)
    expect(before.storedMinutes).toBeGreaterThan(0)
    await one.stop()

    const other = await start(otherStream)
    other.clock.advance(3700)
    const isDeleted = async () =>
      (await readUpload(other, pending.uid)).status !== 'PENDING_UPLOAD' &&
      (await readUpload(other, ready.uid)).status === 'DELETED'
    await passSeconds(other, otherStream, 1800, 30, isDeleted)
    expect((await readUpload(other, ready.uid)).status).toBe('DELETED')
    expect(await readUpload(other, pending.uid)).toMatchObject({
      reservedMinutes: 0,
      storedMinutes: 0,
    })
    await other.stop()

    const again = await start(originalStream)
    again.clock.advance(3700 + 1800)
    const isRestored = async () => (await readUpload(again, ready.uid)).status === 'READY'
    await passSeconds(again, originalStream, 3600, 30, isRestored)
    const restored = await readUpload(again, ready.uid)
    expect(restored).toMatchObject({ status: 'READY', storedMinutes: before.storedMinutes })
    expect(restored.history.slice(-2)).toEqual([
      { status: 'DELETED', source: 'SYNC' },
      { status: 'READY', source: 'SYNC' },
    ])
  })
})

describe('an upload deleted at Stream', () => {
  test('becomes DELETED immediately when Stream knows other uploads', async () => {
    const stream = await startStream()
    const gateway = await start(stream)
    const [kept, deleted] = [await mint(gateway), await mint(gateway)]
    gateway.clock.advance(61)
    await deleteAtStream(stream, deleted.uid)
    const isDeleted = async () => (await readUpload(gateway, deleted.uid)).status === 'DELETED'
    await passSeconds(gateway, stream, 60, 5, isDeleted)
    expect((await readUpload(gateway, deleted.uid)).status).toBe('DELETED')
    expect((await readUpload(gateway, kept.uid)).status).toBe('PENDING_UPLOAD')
    expect(warnings(gateway)).toEqual([])
  })

  test('becomes DELETED after ten minutes when it was the only upload', async () => {
    const stream = await startStream()
    const gateway = await start(stream)
    const { uid } = await mint(gateway)
    gateway.clock.advance(61)
    await deleteAtStream(stream, uid)
    await passSeconds(gateway, stream, 300, 60)
    expect((await readUpload(gateway, uid)).status).toBe('PENDING_UPLOAD')
    const isDeleted = async () => (await readUpload(gateway, uid)).status === 'DELETED'
    await passSeconds(gateway, stream, 600, 15, isDeleted)
    expect(await readUpload(gateway, uid)).toMatchObject({ status: 'DELETED', reservedMinutes: 0 })
  })
})

describe('deleteUpload', () => {
  test('is permanent when Stream deleted the video, and corrected when Stream did not know it', async () => {
    const [originalStream, otherStream] = [await startStream(), await startStream()]
    const one = await start(originalStream)
    const [deleted, unknown] = [await mint(one), await mint(one)]
    await deleteUpload(one.as(), deleted.uid)
    await one.stop()

    const other = await start(otherStream)
    await deleteUpload(other.as(), unknown.uid)
    expect((await readUpload(other, unknown.uid)).status).toBe('DELETED')
    await other.stop()

    const again = await start(originalStream)
    const isRestored = async () =>
      (await readUpload(again, unknown.uid)).status === 'PENDING_UPLOAD'
    await passSeconds(again, originalStream, 600, 15, isRestored)
    expect((await readUpload(again, unknown.uid)).status).toBe('PENDING_UPLOAD')
    expect((await readUpload(again, deleted.uid)).status).toBe('DELETED')
    await deleteUpload(again.as(), unknown.uid)
    expect((await originalStream.state()).videos).toEqual([])
  })
})

describe('a database of another account', () => {
  test('is rejected at start with the command to adopt it', async () => {
    const [originalStream, otherStream] = [
      await startStream(),
      await startStream('another-account'),
    ]
    const one = await start(originalStream)
    await mint(one)
    await one.stop()
    await expect(start(otherStream)).rejects.toThrow(
      /belongs to account account-of-tests, but the configuration has account another-account.*DATABASE_URL.*migrate --adopt-account/,
    )
    expect((await otherStream.state()).requests['list']).toBe(0)
  })

  test('is accepted while it has no upload', async () => {
    const [originalStream, otherStream] = [
      await startStream(),
      await startStream('another-account'),
    ]
    await (await start(otherStream)).stop()
    const one = await start(originalStream)
    await mint(one)
    await one.stop()
    await expect(start(otherStream)).rejects.toThrow('belongs to account account-of-tests')
  })

  test('of the emulator is rejected with the database to set', async () => {
    const stream = await startStream()
    const emulatorGateway = await startTestGateway({
      DATABASE_URL: `file:${join(folder, 'headgate.db')}`,
    })
    expectMinted(await createDirectUpload(emulatorGateway.as()))
    await emulatorGateway.stop()
    await expect(start(stream)).rejects.toThrow(
      /belongs to the emulator \(account local\).*Set DATABASE_URL to another database, such as file:\.headgate\/account-of-tests\.db, or unset CLOUDFLARE_ACCOUNT_ID/,
    )
  })
})

test('polls single uploads when a list omits them', async () => {
  const setup = await createSetup({
    auth: { kind: 'disabled' },
    stream: (rest) => ({ ...rest, listVideos: async () => ({ videos: [], total: 0 }) }),
  })
  const { uid } = expectMinted(await createDirectUpload(callerOf(`${setup.fallback}/graphql`)))
  setup.clock.advance(61)
  await setup.gateway.syncOnce()
  expect(await setup.dependencies.store.find(uid)).toMatchObject({ status: 'PENDING_UPLOAD' })
  const [due] = await setup.dependencies.store.findDue(new Date(8.64e15), 1)
  expect(due).toMatchObject({ idlePolls: 1, missingPolls: 0 })
})
