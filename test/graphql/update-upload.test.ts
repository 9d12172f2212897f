/** The mutation `updateUpload`: what changes, at Stream and in the gateway, and what is refused. */
import { describe, expect, it } from 'vitest'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { describeUpdateRaces } from '../contracts/update-races.ts'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import {
  createDirectUpload,
  createTusUpload,
  deleteUpload,
  expectMinted,
  postFile,
  storageUsage,
  watchToEnd,
  watchUpload,
} from '../kit/operations.ts'
import { uploadByTus } from '../kit/tus.ts'
import { expectUpdated, readUpload, updateUpload } from '../kit/update-upload.ts'

const HOUR_MS = 3_600_000

/** The account behind the gateway, as its owner uses it in the dashboard. */
function dashboardOf({ emulator }: TestGateway): StreamApi {
  return createRestStreamApi({
    accountId: 'local',
    apiToken: 'local-token',
    baseUrl: emulator.apiBaseUrl,
  })
}

function inHours(gateway: TestGateway, hours: number): Date {
  return new Date(gateway.clock.now().getTime() + hours * HOUR_MS)
}

describe('updateUpload', () => {
  it('changes the fields of its input, at Stream and in the record, and no others', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid } = expectMinted(
      await createDirectUpload(caller, {
        name: 'before.mp4',
        meta: { album: 'summer', take: 1 },
        allowedOrigins: ['example.com'],
      }),
    )
    const scheduledDeletion = inHours(gateway, 24 * 60).toISOString()
    const changed = expectUpdated(
      await updateUpload(caller, {
        uid,
        name: 'after.mp4',
        requireSignedURLs: true,
        scheduledDeletion,
        thumbnailTimestampPct: 0.5,
      }),
    )
    expect(Date.parse(changed.constraints.scheduledDeletion ?? '')).toBeCloseTo(
      Date.parse(scheduledDeletion),
      -4,
    )
    expect(changed).toMatchObject({
      status: 'PENDING_UPLOAD',
      version: 2,
      name: 'after.mp4',
      meta: { album: 'summer', take: 1 },
      constraints: { allowedOrigins: ['example.com'], requireSignedURLs: true },
    })
    expect(await readUpload(caller, uid)).toEqual(changed)
    const response = await fetch(`${gateway.emulator.apiBaseUrl}/accounts/local/stream/${uid}`, {
      headers: { authorization: 'Bearer local-token' },
    })
    expect(await response.json()).toMatchObject({
      result: {
        meta: { album: 'summer', take: 1, name: 'after.mp4', headgate: expect.any(String) },
        allowedOrigins: ['example.com'],
        requireSignedURLs: true,
        thumbnailTimestampPct: 0.5,
      },
    })

    expect(
      expectUpdated(
        await updateUpload(caller, {
          uid,
          name: null,
          meta: { take: 2 },
          allowedOrigins: [],
          requireSignedURLs: false,
          scheduledDeletion: null,
        }),
      ),
    ).toMatchObject({
      version: 3,
      name: null,
      meta: { take: 2 },
      constraints: { allowedOrigins: [], requireSignedURLs: false, scheduledDeletion: null },
    })
  })

  it('keeps metadata of other types than text in a tus upload', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const meta = { take: 1, tags: ['a'], empty: '', note: 'ä' }
    const { uid } = expectMinted(await createTusUpload(caller, { sizeBytes: 5, meta }))
    expect(expectUpdated(await updateUpload(caller, { uid, name: 'b' }))).toMatchObject({
      name: 'b',
      meta,
    })
    gateway.clock.advance(60)
    expect(await readUpload(caller, uid)).toMatchObject({ name: 'b', meta, version: 2 })
  })

  it.each([
    [{ name: 'a', meta: { x: 1 } }, { meta: { name: 'b', y: 2 } }, 'b', { y: 2 }],
    [{ meta: { name: 'a', x: 1 } }, { meta: { x: 2 } }, 'a', { x: 2 }],
    [{ meta: { name: 'a', x: 1 } }, { name: 'b' }, 'b', { x: 1 }],
    [{ meta: { name: 'a', x: 1 } }, { name: null }, null, { x: 1 }],
    [{ name: 'a', meta: { x: 1 } }, { meta: {} }, 'a', {}],
  ])('after %j, %j sets the name %j and the metadata %j', async (created, input, name, meta) => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid } = expectMinted(await createDirectUpload(caller, created))
    expect(expectUpdated(await updateUpload(caller, { uid, ...input }))).toMatchObject({
      name,
      meta,
    })
  })

  it('returns an upload without changes, and asks Stream nothing', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid } = expectMinted(await createDirectUpload(caller))
    expect(expectUpdated(await updateUpload(caller, { uid })).version).toBe(1)
    expect((await gateway.emulator.state()).requests['update'] ?? 0).toBe(0)
  })

  it('is seen by watchers, also while the upload is READY', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
    const states = watchUpload(caller, uid)
    await states.next()
    await updateUpload(caller, { uid, name: 'b' })
    expect((await states.next()).value).toMatchObject({ status: 'PENDING_UPLOAD', version: 2 })
    await states.return(undefined)
    await postFile(uploadURL, testcardFile())
    const ready = (await watchToEnd(caller, uid)).at(-1)
    expect(ready?.status).toBe('READY')
    const changed = expectUpdated(await updateUpload(caller, { uid, name: 'c' }))
    expect(changed).toMatchObject({ status: 'READY', version: (ready?.version ?? 0) + 1 })
  })

  it.each<[input: Readonly<Record<string, unknown>>, path: string]>([
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(257) }, 'name'],
    [{ name: 'a', meta: { name: 'b' } }, 'meta.name'],
    [{ name: null, meta: { name: 'b' } }, 'meta.name'],
    [{ meta: { headgate: 'x' } }, 'meta.headgate'],
    [{ meta: { text: 'x'.repeat(4096) } }, 'meta'],
    [{ allowedOrigins: ['https://example.com'] }, 'allowedOrigins.0'],
    [{ scheduledDeletion: '2020-01-01T00:00:00Z' }, 'scheduledDeletion'],
    [{ thumbnailTimestampPct: 1.5 }, 'thumbnailTimestampPct'],
    [{ maxDurationSeconds: 0 }, 'maxDurationSeconds'],
    [{ maxDurationSeconds: 36_001 }, 'maxDurationSeconds'],
    [{ expiry: '2020-01-01T00:00:00Z' }, 'expiry'],
  ])('refuses an invalid value, and changes nothing: %#', async (input, path) => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid } = expectMinted(await createDirectUpload(caller))
    const before = await readUpload(caller, uid)
    const { issues = [], __typename } = await updateUpload(caller, { uid, ...input })
    expect(__typename).toBe('InvalidInputError')
    expect(issues.map((issue) => issue.path.join('.'))).toEqual([path])
    expect(await readUpload(caller, uid)).toEqual(before)
    expect((await gateway.emulator.state()).requests['update'] ?? 0).toBe(0)
  })

  it('refuses another version than the expected one', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid } = expectMinted(await createDirectUpload(caller))
    expect(await updateUpload(caller, { uid, expectedVersion: 2, name: 'a' })).toMatchObject({
      __typename: 'ConflictError',
      code: 'CONFLICT',
      currentVersion: 1,
    })
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        updateUpload(caller, { uid, expectedVersion: 1, name: `n${index}` }),
      ),
    )
    const names = outcomes.flatMap(({ upload }) => (upload === undefined ? [] : [upload.name]))
    expect(names).toHaveLength(1)
    expect(await readUpload(caller, uid)).toMatchObject({ version: 2, name: names[0] })
  })

  it("changes nobody else's upload, and no deleted one", async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const ada = gateway.as(await tokenFor('ada'))
    const mallory = gateway.as(await tokenFor('mallory'))
    const { uid } = expectMinted(await createDirectUpload(ada))
    const notFound = await updateUpload(mallory, { uid, name: 'a' })
    const unknown = 'f'.repeat(32)
    expect(notFound.__typename).toBe('UploadNotFoundError')
    expect(await updateUpload(mallory, { uid: unknown, name: 'a' })).toEqual(notFound)
    await deleteUpload(ada, uid)
    expect(await updateUpload(ada, { uid, name: 'a' })).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ path: ['uid'] }],
    })
  })

  it('is limited per caller and minute', async () => {
    const gateway = await startTestGateway({ RATE_LIMIT_CREATES: '3' })
    const caller = gateway.as()
    const { uid } = expectMinted(await createDirectUpload(caller))
    const kinds: string[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      kinds.push((await updateUpload(caller, { uid, name })).__typename)
    }
    const success = 'UpdateUploadSuccess'
    expect(kinds).toEqual([success, success, success, 'RateLimitedError'])
  })
})

describe('the expiry of an upload URL', () => {
  it.each(['BASIC', 'TUS'])('is extended: %s', async (protocol) => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const file = testcardFile()
    const expiry = inHours(gateway, 0.1)
    const { uid, uploadURL } = expectMinted(
      protocol === 'BASIC'
        ? await createDirectUpload(caller, { expiry })
        : await createTusUpload(caller, { expiry, sizeBytes: file.size }),
    )
    const extended = inHours(gateway, 5)
    const changed = expectUpdated(await updateUpload(caller, { uid, expiry: extended }))
    expect(Date.parse(changed.expiresAt)).toBeCloseTo(extended.getTime(), -4)
    gateway.clock.advance(3600)
    await gateway.emulator.advanceClock(3600)
    expect(await readUpload(caller, uid)).toMatchObject({ status: 'PENDING_UPLOAD', uploadURL })
    if (protocol === 'BASIC') await postFile(uploadURL, file)
    else await uploadByTus(uploadURL, file)
    expect((await watchToEnd(caller, uid)).at(-1)?.status).toBe('READY')
  })

  it.each(['expiry', 'maxDurationSeconds'])('and the duration: no %s after it', async (field) => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const value = (): unknown => (field === 'expiry' ? inHours(gateway, 1) : 120)
    const message = expect.stringContaining('can only be changed while the upload URL can be used')
    const received = expectMinted(await createDirectUpload(caller))
    await postFile(received.uploadURL, testcardFile())
    await watchToEnd(caller, received.uid)
    expect(await updateUpload(caller, { uid: received.uid, [field]: value() })).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ path: [field], message }],
    })
    const expired = expectMinted(await createDirectUpload(caller))
    gateway.clock.advance(1800)
    expect(await updateUpload(caller, { uid: expired.uid, [field]: value() })).toMatchObject({
      __typename: 'InvalidInputError',
      issues: [{ path: [field], message }],
    })
  })
})

describe('the maximum duration', () => {
  it('reserves more or less of the quota', async () => {
    const gateway = await startTestGateway({ CREATOR_QUOTA_MINUTES: '10' })
    const caller = gateway.as()
    const { uid } = expectMinted(await createDirectUpload(caller, { maxDurationSeconds: 300 }))
    expect(await updateUpload(caller, { uid, maxDurationSeconds: 601 })).toMatchObject({
      __typename: 'QuotaExceededError',
      requestedMinutes: 301 / 60,
      availableMinutes: 5,
    })
    for (const seconds of [600, 60]) {
      const changed = expectUpdated(
        await updateUpload(caller, { uid, maxDurationSeconds: seconds }),
      )
      expect(changed.constraints.maxDurationSeconds).toBe(seconds)
      expect(await storageUsage(caller)).toMatchObject({ reservedMinutes: seconds / 60 })
      expect((await gateway.emulator.state()).reservedSeconds).toBe(seconds)
    }
  })

  it('never exceeds the quota with concurrent creations and changes', async () => {
    const gateway = await startTestGateway({ CREATOR_QUOTA_MINUTES: '10' })
    const caller = gateway.as()
    const uids = await Promise.all(
      [60, 60, 60].map(async (maxDurationSeconds) => {
        const minted = await createDirectUpload(caller, { maxDurationSeconds })
        return expectMinted(minted).uid
      }),
    )
    await Promise.all([
      ...uids.map((uid) => updateUpload(caller, { uid, maxDurationSeconds: 240 })),
      ...[120, 120, 120].map((maxDurationSeconds) =>
        createDirectUpload(caller, { maxDurationSeconds }),
      ),
    ])
    const { reservedMinutes } = await storageUsage(caller)
    expect(reservedMinutes).toBeLessThanOrEqual(10)
    expect(reservedMinutes).toBeGreaterThanOrEqual(8)
    const { reservedSeconds } = await gateway.emulator.state()
    expect(reservedSeconds).toBe(reservedMinutes * 60)
  })
})

describe('updateUpload at one gateway', () => {
  describeUpdateRaces(async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    return {
      callers: [caller, caller],
      advance: (seconds) => gateway.clock.advance(seconds),
      emulatorState: () => gateway.emulator.state(),
    }
  })
})

describe('a change that fails at Stream', () => {
  it.each([
    [{ status: 500 }, 'StreamError'],
    [{ status: 429, retryAfterSeconds: 7 }, 'RateLimitedError'],
    [{ hangUp: true }, 'StreamError'],
  ])('with %j is recorded nowhere', async (fault, kind) => {
    const gateway = await startTestGateway({ CREATOR_QUOTA_MINUTES: '10' })
    const caller = gateway.as()
    const { uid } = expectMinted(await createDirectUpload(caller))
    const before = await readUpload(caller, uid)
    await gateway.emulator.fault({ on: 'update', ...fault })
    expect((await updateUpload(caller, { uid, name: 'a' })).__typename).toBe(kind)
    expect(await readUpload(caller, uid)).toEqual(before)
    // The budget holds requests back after a 429.
    gateway.clock.advance(10)
    expect(expectUpdated(await updateUpload(caller, { uid, name: 'a' })).version).toBe(2)
  })

  it('that Stream made, but did not confirm, is recorded by synchronization', async () => {
    const gateway = await startTestGateway({ CREATOR_QUOTA_MINUTES: '10' })
    const caller = gateway.as()
    const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
    await postFile(uploadURL, testcardFile())
    const ready = (await watchToEnd(caller, uid)).at(-1)
    await gateway.emulator.fault({ on: 'update', hangUpAfter: true })
    const input = { uid, name: 'a', requireSignedURLs: true }
    expect((await updateUpload(caller, input)).__typename).toBe('StreamError')
    expect(await readUpload(caller, uid)).toMatchObject({ name: null })
    // The next poll of a READY upload would be an hour later.
    await expect
      .poll(async () => {
        gateway.clock.advance(5)
        return readUpload(caller, uid)
      })
      .toMatchObject({
        name: 'a',
        version: (ready?.version ?? 0) + 1,
        constraints: { requireSignedURLs: true },
      })
  })
})

it('records changes in the dashboard of Stream', async () => {
  const gateway = await startTestGateway()
  const caller = gateway.as()
  const { uid } = expectMinted(
    await createDirectUpload(caller, { name: 'a', meta: { album: 'summer' } }),
  )
  const dashboard = dashboardOf(gateway)
  const video = await dashboard.findVideo(uid)
  await dashboard.updateVideo(uid, {
    meta: { ...video?.meta, name: 'b' },
    maxDurationSeconds: 120,
    requireSignedURLs: true,
  })
  await expect
    .poll(async () => {
      gateway.clock.advance(5)
      return readUpload(caller, uid)
    })
    .toMatchObject({
      version: 2,
      name: 'b',
      meta: { album: 'summer' },
      constraints: { maxDurationSeconds: 120, requireSignedURLs: true },
    })
  expect(await storageUsage(caller)).toMatchObject({ reservedMinutes: 2 })
})
