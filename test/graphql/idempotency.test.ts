/** Idempotency keys: one key creates one upload, with concurrent requests and lost responses. */
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { TEST_SECRET, type TestGateway, startTestGateway, tokenFor } from '../kit/gateway.ts'
import {
  createDirectUpload,
  createTusUpload,
  expectMinted,
  storageUsage,
} from '../kit/operations.ts'

/** Input that all equivalent GraphQL requests have in common. */
const BY_TUS = { idempotencyKey: 'k', sizeBytes: 6_000_000, maxDurationSeconds: 600 }

type EquivalentRequest =
  | { readonly graphql: Readonly<Record<string, unknown>> }
  | { readonly tus: Readonly<Record<string, string>> }

/** Equivalent requests, by the upload that they create. */
const equivalentRequests: Readonly<Record<string, readonly EquivalentRequest[]>> = {
  'an upload with default settings': [
    { tus: {} },
    { graphql: {} },
    { graphql: { meta: null, allowedOrigins: null, requireSignedURLs: null, name: null } },
    { graphql: { meta: {}, allowedOrigins: [], requireSignedURLs: false } },
    { graphql: { thumbnailTimestampPct: 0 } },
    { tus: { thumbnailtimestamppct: '0' } },
    { tus: { name: '' } },
  ],
  'a name': [
    { tus: { name: 'a' } },
    { graphql: { name: 'a' } },
    { graphql: { name: 'a', meta: {} } },
  ],
  'a name within meta': [
    { graphql: { meta: { name: 'a', b: 1 } } },
    { graphql: { name: 'a', meta: { b: 1.0, name: 'a' } } },
  ],
  'a file name and other metadata': [
    { tus: { filename: 'a.mp4', z: '1' } },
    { tus: { z: '1', filename: 'a.mp4' } },
    { graphql: { name: 'a.mp4', meta: { z: '1', filename: 'a.mp4' } } },
  ],
  'a private video for some hosts': [
    {
      tus: {
        requiresignedurls: 'true',
        allowedorigins: 'a.com, b.com',
        thumbnailtimestamppct: '.50',
      },
    },
    {
      graphql: {
        requireSignedURLs: true,
        allowedOrigins: ['a.com', 'b.com'],
        thumbnailTimestampPct: 0.5,
      },
    },
  ],
}

/** Returns the uid; null if the creation is rejected. */
async function createByTus(
  gateway: TestGateway,
  settings: Readonly<Record<string, string>>,
): Promise<string | null> {
  const all = { maxDurationSeconds: '600', ...settings }
  const response = await fetch(`${gateway.url}/tus`, {
    method: 'POST',
    headers: {
      'tus-resumable': '1.0.0',
      'upload-length': '6000000',
      'idempotency-key': 'k',
      'upload-metadata': Object.entries(all)
        .map(([key, value]) => `${key} ${btoa(value)}`)
        .join(','),
    },
  })
  return response.headers.get('stream-media-id')
}

describe('an idempotency key', () => {
  it('returns the same upload to 50 concurrent requests and reserves once', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => createDirectUpload(caller, { idempotencyKey: 'k' })),
    )
    const minted = outcomes.map(expectMinted)
    expect(new Set(minted.map(({ uid }) => uid)).size).toBe(1)
    expect(new Set(minted.map(({ uploadURL }) => uploadURL)).size).toBe(1)
    const { videos, requests } = await gateway.emulator.state()
    expect({ videos: videos.length, minted: requests['direct_upload'] }).toEqual({
      videos: 1,
      minted: 1,
    })
  })

  it('conflicts with another input, concurrently and later', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const [first, second] = await Promise.all([
      createDirectUpload(caller, { idempotencyKey: 'k', name: 'a' }),
      createDirectUpload(caller, { idempotencyKey: 'k', name: 'b' }),
    ])
    expectMinted(first)
    expect(second).toMatchObject({ __typename: 'IdempotencyConflictError' })
    expect(
      await createTusUpload(caller, { idempotencyKey: 'k', name: 'a', sizeBytes: 5 }),
    ).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
    expect((await gateway.emulator.state()).videos).toHaveLength(1)
  })

  it.each(Object.entries(equivalentRequests))(
    'creates one upload for %s, by GraphQL and by tus',
    async (_name, all) => {
      const gateway = await startTestGateway()
      const uids = new Set<string | null>()
      for (const settings of [...all, ...all.toReversed()]) {
        uids.add(
          'tus' in settings
            ? await createByTus(gateway, settings.tus)
            : expectMinted(await createTusUpload(gateway.as(), { ...BY_TUS, ...settings.graphql }))
                .uid,
        )
      }
      expect([...uids]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)])
      expect((await gateway.emulator.state()).videos).toHaveLength(1)
      // Other settings with the same key conflict, by either protocol.
      const other = { ...BY_TUS, requireSignedURLs: true, name: 'another' }
      expect(await createTusUpload(gateway.as(), other)).toMatchObject({
        code: 'IDEMPOTENCY_CONFLICT',
      })
      expect(await createByTus(gateway, { name: 'another' })).toBeNull()
    },
  )

  it('is recognized after an upgrade from version 0.1.0, which recorded another fingerprint', async () => {
    const gateway = await startTestGateway()
    const input = {
      idempotencyKey: 'k',
      requireSignedURLs: false,
      allowedOrigins: [],
      meta: {},
    }
    const { uid } = expectMinted(await createDirectUpload(gateway.as(), input))
    const database = new Database(gateway.databaseFile)
    database
      .prepare('update uploads set fingerprint = ?')
      .run('be35f76f1c8a91d1f34ede6bfa3591b7a1bb90857a5ed77a84d34f3c26d58d8c')
    database.close()
    expect(expectMinted(await createDirectUpload(gateway.as(), input)).uid).toBe(uid)
    expect(await createDirectUpload(gateway.as(), { ...input, name: 'a' })).toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    })
  })

  it('is scoped to its caller', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const uids: string[] = []
    for (const name of ['ada', 'bob']) {
      const caller = gateway.as(await tokenFor(name))
      uids.push(expectMinted(await createDirectUpload(caller, { idempotencyKey: 'k' })).uid)
    }
    expect(new Set(uids).size).toBe(2)
  })

  it('is free again after a request that failed, and after 24 hours', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    await gateway.emulator.fault({ on: 'direct_upload', times: 1, status: 429 })
    expect(await createDirectUpload(caller, { idempotencyKey: 'k' })).toMatchObject({
      __typename: 'RateLimitedError',
    })
    const first = expectMinted(await createDirectUpload(caller, { idempotencyKey: 'k' }))
    gateway.clock.advance(24 * 3600 - 60)
    await gateway.emulator.advanceClock(24 * 3600 - 60)
    expect(expectMinted(await createDirectUpload(caller, { idempotencyKey: 'k' }))).toEqual(first)
    gateway.clock.advance(120)
    await gateway.emulator.advanceClock(120)
    const second = expectMinted(await createDirectUpload(caller, { idempotencyKey: 'k' }))
    expect(second.uid).not.toBe(first.uid)
  })

  it('leaves one upload after the response of Stream was lost', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    await gateway.emulator.fault({ on: 'direct_upload', times: 1, hangUpAfter: true })
    expect(await createDirectUpload(caller, { idempotencyKey: 'k' })).toMatchObject({
      __typename: 'StreamError',
      code: 'STREAM_UNAVAILABLE',
      retryable: true,
    })
    // The first creation may still be in flight at Stream.
    expect(await createDirectUpload(caller, { idempotencyKey: 'k' })).toMatchObject({
      __typename: 'StreamError',
      retryable: true,
    })
    gateway.clock.advance(31)
    const { uid } = expectMinted(await createDirectUpload(caller, { idempotencyKey: 'k' }))
    const { videos, reservedSeconds } = await gateway.emulator.state()
    expect(videos.map((video) => video.uid)).toEqual([uid])
    expect(reservedSeconds).toBe(60)
  })

  it('deletes an orphan once if a retry and a sweep find it', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { emulator } = gateway
    await emulator.fault({ on: 'direct_upload', times: 2, hangUpAfter: true })
    for (const idempotencyKey of ['first', 'k']) {
      const lost = await createDirectUpload(caller, { idempotencyKey })
      expect(lost).toMatchObject({ code: 'STREAM_UNAVAILABLE' })
    }
    await emulator.fault({ on: 'delete', delayMs: 1000 })
    gateway.clock.advance(31)
    // The sweep has listed both orphans and waits for the first deletion.
    while ((await emulator.state()).faults.length > 0);
    const { uid } = expectMinted(await createDirectUpload(caller, { idempotencyKey: 'k' }))
    while ((await storageUsage(caller)).reservedMinutes > 1);
    const { videos, requests } = await emulator.state()
    expect(videos.map((video) => video.uid)).toEqual([uid])
    expect(requests['delete']).toBe(2)
  })

  it('is not required for sweeping an orphan', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'tus_create', times: 1, hangUpAfter: true })
    expect(await createTusUpload(gateway.as(), { sizeBytes: 5 })).toMatchObject({
      __typename: 'StreamError',
    })
    expect((await gateway.emulator.state()).videos).toHaveLength(1)
    while ((await gateway.emulator.state()).videos.length > 0) gateway.clock.advance(31)
    expect((await gateway.emulator.state()).reservedSeconds).toBe(0)
  })
})
