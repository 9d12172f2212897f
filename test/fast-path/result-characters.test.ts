/** Both paths limit the total length of the client-chosen strings in one result. */
import { expect, it } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { fillStore } from '../kit/fill-store.ts'
import { type TestOperation, sendOperation, expectSameResponse } from './both-paths.ts'
import { type Setup, createSetup } from './setup.ts'

const CODE = '"code":"RESULT_TOO_LARGE"'
const MAX_CHARACTERS = 4_000_000
const META = JSON.stringify({ text: 'x'.repeat(4000) })
const ORIGINS = JSON.stringify(
  Array.from({ length: 100 }, (_, index) => `${index}.${'o'.repeat(36)}`),
)

const aliased = (count: number, text: string): string =>
  Array.from({ length: count }, (_, index) => `a${index}: ${text}`).join(' ')

/** Adds 100 uploads with values of the maximum length. */
async function setupLargeUploads(
  name = 'n'.repeat(256),
): Promise<{ setup: Setup; failed: string }> {
  const setup = await createSetup({ auth: { kind: 'disabled' } })
  fillStore(setup.databaseFile, { uploads: 100, creators: 1, newest: new Date() })
  const { connection } = openSqlite(setup.databaseFile)
  connection
    .prepare(
      `update uploads set meta = ?, allowed_origins = ?, name = ?, creator = 'anonymous',
       failure_message = iif(status = 'ERROR', ?, null)`,
    )
    .run(META, ORIGINS, name, 'f'.repeat(2000))
  const failed = connection
    .prepare<[], string>("select uid from uploads where status = 'ERROR'")
    .pluck()
    .get()
  connection.close()
  return { setup, failed: btoa(`Upload:${failed}`) }
}

async function rejectedText(setup: Setup, operation: TestOperation): Promise<string> {
  await sendOperation(setup.fallback, { query: '{ __typename }' })
  const startedAt = performance.now()
  const { text } = await sendOperation(setup.fallback, operation)
  expect(performance.now() - startedAt).toBeLessThan(1000)
  expect(text).toContain(CODE)
  expect(text.length).toBeLessThan(MAX_CHARACTERS * 1.3)
  return (await expectSameResponse(setup, operation)).text
}

it('rejects nodes with many short allowedOrigins', async () => {
  const { setup, failed } = await setupLargeUploads()
  const { connection } = openSqlite(setup.databaseFile)
  const origins = JSON.stringify(Array.from({ length: 100 }, () => 'a.b'))
  connection.prepare('update uploads set allowed_origins = ?').run(origins)
  connection.close()
  const query = `query ($ids: [ID!]!) { ${aliased(5, 'nodes(ids: $ids) { ...F }')} } fragment F on Upload { constraints { ${aliased(9, 'allowedOrigins')} } }`
  const variables = { ids: Array.from({ length: 100 }, () => failed) }
  expect(await rejectedText(setup, { query, variables })).toContain(CODE)
})

/** A query of 500 nodes, each with its history by so many aliases. */
const histories = (aliases: number): string =>
  `query ($ids: [ID!]!) { ${aliased(5, 'nodes(ids: $ids) { ...F }')} } fragment F on Upload { ${aliased(aliases, 'history { status source at }')} }`

it('rejects nodes with repeated ids and aliases of history', async () => {
  const { setup, failed } = await setupLargeUploads()
  const { connection } = openSqlite(setup.databaseFile)
  connection.exec(`
    with added(number) as (values (100), (101), (102), (103), (104))
    insert into upload_events select id, number, 'READY', 'SYNC', created_at from uploads, added`)
  connection.close()
  const variables = { ids: Array.from({ length: 100 }, () => failed) }
  const within = await expectSameResponse(setup, { query: histories(3), variables })
  expect(within.text).not.toContain(CODE)
  const above = await expectSameResponse(setup, { query: histories(4), variables })
  expect(above.text).toContain(CODE)
})

it.each([
  ['allowedOrigins', `constraints { ${aliased(9, 'allowedOrigins')} }`],
  ['failure messages', `failure { ${aliased(9, 'message')} }`],
  ['names after allowedOrigins', `constraints { ${aliased(8, 'allowedOrigins')} } b: name`],
])('rejects nodes with repeated ids and aliases of %s', async (_name, selection) => {
  const { setup, failed } = await setupLargeUploads()
  const query = `query ($ids: [ID!]!) { ${aliased(5, 'nodes(ids: $ids) { ...F }')} } fragment F on Upload { ${selection} }`
  expect(
    await rejectedText(setup, {
      query,
      variables: { ids: Array.from({ length: 100 }, () => failed) },
    }),
  ).toContain(CODE)
})

const pages = (count: number): string =>
  `{ ${aliased(count, 'uploads(first: 100) { nodes { name meta video { hlsURL } constraints { allowedOrigins } } }')} }`

it('rejects pages of uploads with large metas, origins and names', async () => {
  const { setup } = await setupLargeUploads()
  expect((await expectSameResponse(setup, { query: pages(4) })).text).not.toContain(CODE)
  expect(await rejectedText(setup, { query: pages(5) })).toContain(CODE)
  // Each operation has its own limit.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    expect((await sendOperation(setup.fast, { query: pages(4) })).text).not.toContain(CODE)
  }
})

it('reports nullable values over the limit in one error', async () => {
  const { setup, failed } = await setupLargeUploads('n'.repeat(2000))
  const query = `query ($ids: [ID!]!) { ${aliased(5, 'nodes(ids: $ids) { ...F }')} } fragment F on Upload { ${aliased(9, 'name')} }`
  const variables = { ids: Array.from({ length: 100 }, () => failed) }
  expect(await rejectedText(setup, { query, variables })).toContain(CODE)
  const { text } = await sendOperation(setup.fast, { query, variables })
  expect(text.split(CODE)).toHaveLength(2)
})
