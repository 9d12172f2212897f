/** What counting costs: an operation examines so many uploads and no more, in every database, by both executors. */
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

/** A page of which nothing is shown. */
const page = (size: string): string => `uploads(${size}) { pageInfo { hasNextPage } }`

const aliased = (fields: readonly string[]): string =>
  `{ ${fields.map((field, place) => `a${place}: ${field}`).join(' ')} }`

const times = (field: string, many: number): string =>
  aliased(Array.from({ length: many }, () => field))

const counted = z.record(z.string(), z.object({ totalCount: z.number() }))
const answer = z.object({ data: counted })

function totalsIn(data: z.infer<typeof counted>): readonly number[] {
  return Object.values(data).map(({ totalCount }) => totalCount)
}

/** What a caller may count who has `uploads`, one a second up to NEWEST. */
const COUNTS = [
  'status: [READY, PENDING_UPLOAD, ERROR, DELETED, EXPIRED, QUEUED, IN_PROGRESS]',
  `createdAfter: "${LONG_AGO}"`,
  `createdBefore: "2030-01-01T00:00:00Z"`,
  `status: QUEUED, createdAfter: "${LONG_AGO}"`,
  `createdAfter: "${LAST_MINUTES}"`,
  `createdAfter: "${LAST_MINUTES}", createdBefore: "2026-03-01T11:55:00Z"`,
]
const expectedOf = (uploads: number) => [uploads, COUNT_LIMIT, COUNT_LIMIT, 0, 600, 299]

it('cuts counts with dates off, and rejects an operation that asks for many', async () => {
  const examined: UploadFilter[] = []
  const setup = await createSetup({
    store: (store) => ({
      ...store,
      count: (selection) => {
        examined.push(selection)
        return store.count(selection)
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
    expect(totalsIn(answer.parse(JSON.parse(text)).data)).toEqual(expectedOf(20_000))

    const dated = count(`createdAfter: "${LONG_AGO}"`)
    const most = await expectSameResponse(setup, { query: times(dated, MAX_COUNTS), headers })
    expect(most.text).not.toContain('errors')
    const refused = await expectSameResponse(setup, { query: times(dated, 50), headers })
    expect(refused.text).toContain('"code":"RESULT_TOO_LARGE"')
    examined.length = 0
    await sendOperation(setup.fallback, { query: times(dated, 50), headers })
    expect(examined).toHaveLength(MAX_COUNTS)

    // Totals cost the same however many uploads there are.
    const totals = await expectSameResponse(setup, {
      query: times(count('status: READY'), 50),
      headers,
    })
    expect(totals.text).not.toContain('errors')
  }
})

it('reads no more uploads than an answer may have, whatever is shown of them', async () => {
  const read: number[] = []
  const setup = await createSetup({
    store: (store) => ({
      ...store,
      list: (selection, stretch) => {
        read.push(stretch.limit - 1)
        return store.list(selection, stretch)
      },
    }),
  })
  const headers = { authorization: `Bearer ${await tokenFor('ada')}` }
  const most = await expectSameResponse(setup, { query: times(page('first: 20'), 50), headers })
  expect(most.text).not.toContain('errors')
  for (const large of ['first: 100', 'last: 100']) {
    await expectSameResponse(setup, { query: times(page(large), 10), headers })
    read.length = 0
    const { text } = await sendOperation(setup.fallback, { query: times(page(large), 50), headers })
    expect(text).toContain('"code":"RESULT_TOO_LARGE"')
    expect(read.reduce((sum, size) => sum + size, 0)).toBe(1000)
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
  // In the order of the ids: somebody else's looks like one that is not there.
  expect(nodes.flatMap((node) => node?.id ?? [])).toEqual(
    ids.filter((id) => nodes.some((node) => node?.id === id)),
  )
  expect([nodes.length, nodes.filter((node) => node === null).length]).toEqual([100, 51])
  await expectSameResponse(setup, { query, variables: { ids }, headers })
})

it('has few reads of one operation at a shared database at the same time', async () => {
  let [running, most] = [0, 0]
  async function observed<T>(read: () => Promise<T>): Promise<T> {
    running += 1
    most = Math.max(most, running)
    await new Promise((resolve) => setImmediate(resolve))
    return read().finally(() => {
      running -= 1
    })
  }
  const setup = await createSetup({
    store: (store) => ({
      ...store,
      isShared: true,
      find: (uid) => observed(async () => store.find(uid)),
      list: (selection, stretch) => observed(() => store.list(selection, stretch)),
      count: (selection) => observed(() => store.count(selection)),
    }),
  })
  const headers = { authorization: `Bearer ${await tokenFor('ada')}` }
  for (const field of ['uploads(first: 1) { totalCount }', 'upload(uid: "x") { uid }']) {
    most = 0
    const { text } = await expectSameResponse(setup, { query: times(field, 50), headers })
    expect(text).not.toContain('errors')
    expect(most).toBe(4)
  }
})

describeWithPostgres('PostgreSQL', () => {
  it('cuts counts with dates off at the same number, and keeps totals exact', async () => {
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
    const totals = await caller.ask(counted, aliased(COUNTS.map(count)))
    expect(totalsIn(totals)).toEqual(expectedOf(COUNT_LIMIT + 100))
    const dated = count(`createdAfter: "${LONG_AGO}"`)
    await expect(caller.ask(counted, times(dated, 50))).rejects.toThrow('totalCount')
  })
})
