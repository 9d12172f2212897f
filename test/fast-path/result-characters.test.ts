/** Both paths limit the characters of values in one result whose length a client chose. */
import { expect, it } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { fillStore } from '../kit/fill-store.ts'
import { type Question, ask, expectSame } from './both-paths.ts'
import { type Setup, setSetup } from './setup.ts'

const CODE = '"code":"RESULT_TOO_LARGE"'
const MAX_CHARACTERS = 4_000_000
const META = JSON.stringify({ text: 'x'.repeat(4000) })
const ORIGINS = JSON.stringify(
  Array.from({ length: 100 }, (_, index) => `${index}.${'o'.repeat(36)}`),
)

const aliased = (count: number, text: string): string =>
  Array.from({ length: count }, (_, index) => `a${index}: ${text}`).join(' ')

/** 100 uploads, each with the largest values that it may have. */
async function setLargeUploads(name = 'n'.repeat(256)): Promise<{ setup: Setup; failed: string }> {
  const setup = await setSetup({ auth: { kind: 'disabled' } })
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

async function textOfRejected(setup: Setup, question: Question): Promise<string> {
  await ask(setup.long, { query: '{ __typename }' })
  const startedAt = performance.now()
  const { text } = await ask(setup.long, question)
  expect(performance.now() - startedAt).toBeLessThan(1000)
  expect(text).toContain(CODE)
  expect(text.length).toBeLessThan(MAX_CHARACTERS * 1.3)
  return (await expectSame(setup, question)).text
}

it('ends nodes with many short allowedOrigins with an error', async () => {
  const { setup, failed } = await setLargeUploads()
  const { connection } = openSqlite(setup.databaseFile)
  const origins = JSON.stringify(Array.from({ length: 100 }, () => 'a.b'))
  connection.prepare('update uploads set allowed_origins = ?').run(origins)
  connection.close()
  const query = `query ($ids: [ID!]!) { ${aliased(5, 'nodes(ids: $ids) { ...F }')} } fragment F on Upload { constraints { ${aliased(9, 'allowedOrigins')} } }`
  const variables = { ids: Array.from({ length: 100 }, () => failed) }
  expect(await textOfRejected(setup, { query, variables })).toContain(CODE)
})

it.each([
  ['allowedOrigins', `constraints { ${aliased(9, 'allowedOrigins')} }`],
  ['messages of failures', `failure { ${aliased(9, 'message')} }`],
  ['names after others', `constraints { ${aliased(8, 'allowedOrigins')} } b: name`],
])('ends nodes with the same ids and aliases of %s with an error', async (_name, selection) => {
  const { setup, failed } = await setLargeUploads()
  const query = `query ($ids: [ID!]!) { ${aliased(5, 'nodes(ids: $ids) { ...F }')} } fragment F on Upload { ${selection} }`
  expect(
    await textOfRejected(setup, {
      query,
      variables: { ids: Array.from({ length: 100 }, () => failed) },
    }),
  ).toContain(CODE)
})

const pages = (count: number): string =>
  `{ ${aliased(count, 'uploads(first: 100) { nodes { name meta video { hlsURL } constraints { allowedOrigins } } }')} }`

it('ends pages of uploads with metas, origins and names with an error', async () => {
  const { setup } = await setLargeUploads()
  expect((await expectSame(setup, { query: pages(4) })).text).not.toContain(CODE)
  expect(await textOfRejected(setup, { query: pages(5) })).toContain(CODE)
  // The limit starts anew with each operation.
  for (let time = 0; time < 3; time += 1) {
    expect((await ask(setup.fast, { query: pages(4) })).text).not.toContain(CODE)
  }
})

it('reports once that nullable values are over the limit', async () => {
  const { setup, failed } = await setLargeUploads('n'.repeat(2000))
  const query = `query ($ids: [ID!]!) { ${aliased(5, 'nodes(ids: $ids) { ...F }')} } fragment F on Upload { ${aliased(9, 'name')} }`
  const variables = { ids: Array.from({ length: 100 }, () => failed) }
  expect(await textOfRejected(setup, { query, variables })).toContain(CODE)
  const { text } = await ask(setup.fast, { query, variables })
  expect(text.split(CODE)).toHaveLength(2)
})
