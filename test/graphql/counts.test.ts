/** Cost of counting: a limit of uploads examined by one operation, in every database and by both executors. */
import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { MAX_COUNTS } from '../../src/graphql/result-limit.ts'
import { COUNT_LIMIT, type UploadFilter } from '../../src/uploads/ports/upload-store.ts'
import { fillPostgres } from '../kit/fill-postgres.ts'
import { fillStore } from '../kit/fill-store.ts'
import { startTestGateway, tokenFor } from '../kit/gateway.ts'
import { createTestDatabase, describeWithPostgres } from '../kit/postgres.ts'
import { sendOperation, expectSameResponse } from '../fast-path/both-paths.ts'
import { createSetup } from '../fast-path/setup.ts'

const NEWEST = new Date('2026-03-01T12:00:00.000Z')
const LONG_AGO = '2020-01-01T00:00:00Z'
const LAST_MINUTES = '2026-03-01T11:50:00Z'

const count = (filter: string): string => `uploads(first: 1, filter: { ${filter} }) { totalCount }`

/** Selects a page without any upload fields. */
const page = (size: string): string => `uploads(${size}) { pageInfo { hasNextPage } }`

const aliased = (fields: readonly string[]): string =>
  `{ ${fields.map((field, index) => `a${index}: ${field}`).join(' ')} }`

const repeat = (field: string, repetitions: number): string =>
  aliased(Array.from({ length: repetitions }, () => field))

const counted = z.record(z.string(), z.object({ totalCount: z.number() }))
const response = z.object({ data: counted })

function totalsIn(data: z.infer<typeof counted>): readonly number[] {
  return Object.values(data).map(({ totalCount }) => totalCount)
}

/** Filters that are counted. */
const COUNTS = [
  'status: [READY, PENDING_UPLOAD, ERROR, DELETED, EXPIRED, QUEUED, IN_PROGRESS]',
  `createdAfter: "${LONG_AGO}"`,
  `createdBefore: "2030-01-01T00:00:00Z"`,
  `status: QUEUED, createdAfter: "${LONG_AGO}"`,
  `createdAfter: "${LAST_MINUTES}"`,
  `createdAfter: "${LAST_MINUTES}", createdBefore: "2026-03-01T11:55:00Z"`,
]
/** Expected counts of COUNTS for uploads that are created one per second up to NEWEST, without deleted ones. */
const expectedCounts = (uploads: number, deleted: readonly [number, number]) => [
  uploads,
  COUNT_LIMIT,
  COUNT_LIMIT,
  0,
  600 - deleted[0],
  299 - deleted[1],
]

it('limits counts with dates and rejects an operation with too many of them', async () => {
  const examined: UploadFilter[] = []
  const setup = await createSetup({
    store: (store) => ({
      ...store,
      count: (filter) => {
        examined.push(filter)
        return store.count(filter)
      },
    }),
  })
  fillStore(setup.databaseFile, { uploads: 20_000, creators: 1, newest: NEWEST })
  for (const token of [
    await tokenFor('creator-0'),
    await tokenFor('ada', { scope: 'uploads:admin' }),
  ]) {
    const headers = { authorization: `Bearer ${token}` }
    const { text } = await expectSameResponse(setup, { query: aliased(COUNTS.map(count)), headers })
    expect(totalsIn(response.parse(JSON.parse(text)).data)).toEqual(
      // `fillStore` deletes one upload in twenty.
      expectedCounts(20_000, [30, 15]),
    )

    const dated = count(`createdAfter: "${LONG_AGO}"`)
    const largest = await expectSameResponse(setup, { query: repeat(dated, MAX_COUNTS), headers })
    expect(largest.text).not.toContain('errors')
    const rejected = await expectSameResponse(setup, { query: repeat(dated, 50), headers })
    expect(rejected.text).toContain('"code":"RESULT_TOO_LARGE"')
    examined.length = 0
    await sendOperation(setup.fallback, { query: repeat(dated, 50), headers })
    expect(examined).toHaveLength(MAX_COUNTS)

    // Totals have a constant cost, independent of the number of uploads.
    const totals = await expectSameResponse(setup, {
      query: repeat(count('status: READY'), 50),
      headers,
    })
    expect(totals.text).not.toContain('errors')
  }
})

it('reads the usage of the caller once per operation, however often it is selected', async () => {
  const reads: string[] = []
  const setup = await createSetup({
    store: (store) => ({
      ...store,
      countByToken(tokenId) {
        reads.push('uploads of the token')
        return store.countByToken(tokenId)
      },
      quotaUsage(creator) {
        reads.push('minutes')
        return store.quotaUsage(creator)
      },
    }),
  })
  const token = await tokenFor('guest', { jti: 'link', headgate: { maxUploads: 2 } })
  const headers = { authorization: `Bearer ${token}` }
  const limits = 'limits { remainingUploads more: remainingUploads heldMinutes again: heldMinutes }'
  const query = repeat(`me { ${limits} }`, 10)
  const { text } = await expectSameResponse(setup, { query, headers })
  expect(text.match(/"more":2/g)).toHaveLength(10)
  for (const url of [setup.fast, setup.fallback]) {
    reads.length = 0
    await sendOperation(url, { query, headers })
    expect(reads.toSorted()).toEqual(['minutes', 'uploads of the token'])
  }
})

it('reads at most as many uploads as the result limit, independent of the selected fields', async () => {
  const read: number[] = []
  const setup = await createSetup({
    store: (store) => ({
      ...store,
      list: (filter, range) => {
        read.push(range.limit - 1)
        return store.list(filter, range)
      },
    }),
  })
  const headers = { authorization: `Bearer ${await tokenFor('ada')}` }
  const largest = await expectSameResponse(setup, { query: repeat(page('first: 20'), 50), headers })
  expect(largest.text).not.toContain('errors')
  for (const large of ['first: 100', 'last: 100']) {
    await expectSameResponse(setup, { query: repeat(page(large), 10), headers })
    read.length = 0
    const { text } = await sendOperation(setup.fallback, {
      query: repeat(page(large), 50),
      headers,
    })
    expect(text).toContain('"code":"RESULT_TOO_LARGE"')
    // Nothing more is read once the operation has an error.
    expect(read.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(1000)
  }
})

it('reads nodes by many ids with one query', async () => {
  const reads: string[] = []
  const setup = await createSetup({
    store: (store) => ({
      ...store,
      find: (uid) => {
        reads.push('find')
        return store.find(uid)
      },
      findMany: (uids) => {
        reads.push('findMany')
        return store.findMany(uids)
      },
    }),
  })
  const uids = fillStore(setup.databaseFile, { uploads: 150, creators: 2, newest: NEWEST })
  const headers = { authorization: `Bearer ${await tokenFor('creator-0')}` }
  const ids = ['x', ...uids.slice(0, 98).map((uid) => btoa(`Upload:${uid}`)), btoa('Upload:y')]
  const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }'
  const { text } = await sendOperation(setup.fallback, { query, variables: { ids }, headers })
  expect(reads).toEqual(['findMany'])
  const { nodes } = z
    .object({ data: z.object({ nodes: z.array(z.object({ id: z.string() }).nullable()) }) })
    .parse(JSON.parse(text)).data
  // In the order of the ids: another creator's upload is null like an unknown one.
  expect(nodes.flatMap((node) => node?.id ?? [])).toEqual(
    ids.filter((id) => nodes.some((node) => node?.id === id)),
  )
  expect([nodes.length, nodes.filter((node) => node === null).length]).toEqual([100, 51])
  await expectSameResponse(setup, { query, variables: { ids }, headers })
})

it('limits concurrent reads of one operation on a shared database to 4', async () => {
  let [running, largest] = [0, 0]
  async function measured<T>(read: () => Promise<T>): Promise<T> {
    running += 1
    largest = Math.max(largest, running)
    await new Promise((resolve) => setImmediate(resolve))
    return read().finally(() => {
      running -= 1
    })
  }
  const setup = await createSetup({
    store: (store) => ({
      ...store,
      isShared: true,
      find: (uid) => measured(async () => store.find(uid)),
      list: (filter, range) => measured(() => store.list(filter, range)),
      count: (filter) => measured(() => store.count(filter)),
    }),
  })
  const headers = { authorization: `Bearer ${await tokenFor('ada')}` }
  for (const [field, most] of [
    // Pages are read one after the other, each with its count.
    ['uploads(first: 1) { __typename }', 1],
    ['uploads(first: 1) { totalCount }', 1],
    ['upload(uid: "x") { uid }', 4],
  ] as const) {
    largest = 0
    const { text } = await expectSameResponse(setup, { query: repeat(field, 50), headers })
    expect(text).not.toContain('errors')
    expect(largest).toBe(most)
  }
})

describeWithPostgres('PostgreSQL', () => {
  it('limits counts with dates to the same number and keeps totals exact', async () => {
    const database = await createTestDatabase()
    const gateway = await startTestGateway({ DATABASE_URL: database.url })
    onTestFinished(async () => {
      await gateway.stop()
      await database.drop()
    })
    await fillPostgres(database.url, {
      uploads: COUNT_LIMIT + 100,
      creators: 1,
      newest: NEWEST,
      status: 'READY',
    })
    const caller = gateway.as()
    const totals = await caller.request(counted, aliased(COUNTS.map(count)))
    expect(totalsIn(totals)).toEqual(expectedCounts(COUNT_LIMIT + 100, [0, 0]))
    const dated = count(`createdAfter: "${LONG_AGO}"`)
    await expect(caller.request(counted, repeat(dated, 50))).rejects.toThrow('totalCount')
  })
})
