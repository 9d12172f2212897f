/** Guarantees of one gateway also hold for several gateways on one PostgreSQL. */
import { Client } from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { tokenFor } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import {
  createDirectUpload,
  deleteUpload,
  expectMinted,
  postFile,
  storageUsage,
  watchToEnd,
  watchUpload,
} from '../kit/operations.ts'
import { createTestDatabase, describeWithPostgres } from '../kit/postgres.ts'
import { startTwoGateways } from './setup.ts'

const STATUS_SCHEMA = z.object({ upload: z.object({ status: z.string() }).nullable() })
const STATUS_QUERY = 'query ($uid: ID!) { upload(uid: $uid) { status } }'

describeWithPostgres('Two gateways on one PostgreSQL', () => {
  it('share uploads, and deliver a webhook that one receives to a subscriber of the other', async () => {
    const { gateways } = await startTwoGateways()
    const token = await tokenFor('alice')
    const [one, other] = gateways.map((gateway) => gateway.as(token))
    if (one === undefined || other === undefined) throw new Error('The test needs two gateways.')
    const { uid, uploadURL } = expectMinted(await createDirectUpload(one))
    expect(await other.request(STATUS_SCHEMA, STATUS_QUERY, { uid })).toEqual({
      upload: { status: 'PENDING_UPLOAD' },
    })

    // Only the first gateway receives webhooks.
    const watched = watchToEnd(other, uid)
    await postFile(uploadURL, testcardFile())
    const states = await watched
    expect(states.at(-1)?.status).toBe('READY')
    const versions = states.map(({ version }) => version)
    expect(versions).toEqual([...new Set(versions)].toSorted((first, second) => first - second))
    const otherCaller = gateways[1].as(await tokenFor('mallory'))
    expect(await otherCaller.request(STATUS_SCHEMA, STATUS_QUERY, { uid })).toEqual({
      upload: null,
    })
  })

  it('return one upload to 50 concurrent requests with the same idempotency key', async () => {
    const { gateways, emulator } = await startTwoGateways()
    const token = await tokenFor('alice')
    await emulator.fault({ on: 'direct_upload', times: 1, delayMs: 700 })
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, place) =>
        createDirectUpload((gateways[place % 2] ?? gateways[0]).as(token), { idempotencyKey: 'k' }),
      ),
    )
    const minted = outcomes.map(expectMinted)
    expect(new Set(minted.map(({ uid }) => uid)).size).toBe(1)
    expect(new Set(minted.map(({ uploadURL }) => uploadURL)).size).toBe(1)
    expect((await emulator.state()).requests['direct_upload']).toBe(1)
  })

  it('create an upload for a request that waited for the failed request with its key', async () => {
    const { gateways, emulator } = await startTwoGateways()
    const token = await tokenFor('alice')
    await emulator.fault({ on: 'direct_upload', times: 1, delayMs: 500, status: 429 })
    const first = createDirectUpload(gateways[0].as(token), { idempotencyKey: 'k' })
    while ((await emulator.state()).requests['direct_upload'] !== 1) {
      // Polls until the first request has reached Stream.
    }
    const second = createDirectUpload(gateways[1].as(token), { idempotencyKey: 'k' })
    expect(await first).toMatchObject({ __typename: 'RateLimitedError' })
    expectMinted(await second)
  })

  it('enforce one quota and one rate limit per creator', async () => {
    const { gateways } = await startTwoGateways({
      CREATOR_QUOTA_MINUTES: '10',
      RATE_LIMIT_CREATES: '12',
    })
    const token = await tokenFor('alice')
    const minted = await Promise.all(
      Array.from({ length: 20 }, (_, place) =>
        createDirectUpload((gateways[place % 2] ?? gateways[0]).as(token), {
          maxDurationSeconds: 120,
        }),
      ),
    )
    const kinds = minted.map((outcome) => outcome.__typename)
    const count = (kind: string): number => kinds.filter((candidate) => candidate === kind).length
    expect(minted.filter((outcome) => 'upload' in outcome)).toHaveLength(5)
    expect(count('QuotaExceededError')).toBe(7)
    expect(count('RateLimitedError')).toBe(8)
    const usage = await storageUsage(gateways[1].as(token))
    expect(usage).toMatchObject({ reservedMinutes: 10 })
  })

  it('count no creation towards the rate limit that the database did not record', async () => {
    const database = await createTestDatabase()
    const { gateways } = await startTwoGateways({
      DATABASE_URL: database.url,
      RATE_LIMIT_CREATES: '4',
    })
    const token = await tokenFor('alice')
    const create = (index: number) =>
      createDirectUpload((gateways[index % 2] ?? gateways[0]).as(token))
    expectMinted(await create(0))
    const client = new Client({ connectionString: database.url })
    await client.connect()
    onTestFinished(() => client.end())
    await client.query(`create function fail_as_full() returns trigger language plpgsql as
      $$ begin raise exception 'disk full' using errcode = 'disk_full'; end $$;
      create trigger full_disk before insert on uploads execute function fail_as_full()`)
    for (const index of [0, 1, 2, 3, 4]) {
      await expect(create(index)).rejects.toThrow('database is unavailable')
    }
    await client.query('drop function fail_as_full cascade')
    const outcomes = await Promise.all(Array.from({ length: 10 }, (_, index) => create(index)))
    expect(outcomes.filter((outcome) => 'upload' in outcome)).toHaveLength(3)
    expect(outcomes.filter(({ __typename }) => __typename === 'RateLimitedError')).toHaveLength(7)
  })

  it('deliver a deletion at one to a subscriber of the other', async () => {
    const { gateways } = await startTwoGateways()
    const token = await tokenFor('alice')
    const { uid } = expectMinted(await createDirectUpload(gateways[0].as(token)))
    const states = watchUpload(gateways[1].as(token), uid)
    expect((await states.next()).value).toMatchObject({ status: 'PENDING_UPLOAD' })
    await deleteUpload(gateways[0].as(token), uid)
    expect((await states.next()).value).toMatchObject({ status: 'DELETED' })
    expect((await states.next()).done).toBe(true)
  })

  it('poll Stream once for an upload that is watched at both', async () => {
    const { gateways, emulator } = await startTwoGateways()
    const token = await tokenFor('alice')
    const { uid } = expectMinted(await createDirectUpload(gateways[0].as(token)))
    const watching = gateways.map((gateway) => watchUpload(gateway.as(token), uid))
    await Promise.all(watching.map((states) => states.next()))
    const countPolls = async (): Promise<number> => (await emulator.state()).requests['list'] ?? 0
    const before = await countPolls()
    for (let second = 1; second <= 5; second += 1) {
      for (const gateway of gateways) gateway.clock.advance(1)
      // One of the gateways polls.
      while ((await countPolls()) < before + second);
    }
    // If each gateway polled every second, there would be ten polls.
    expect((await countPolls()) - before).toBeLessThanOrEqual(7)
    for (const states of watching) await states.return(undefined)
  })
})
