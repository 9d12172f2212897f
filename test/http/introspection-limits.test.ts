/** Aliases and fragments cannot make an introspection result larger than the schema. */
import { getIntrospectionQuery } from 'graphql'
import { createClient } from 'graphql-ws'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'

const CODE = '"code":"GRAPHQL_VALIDATION_FAILED"'
const RULE = 'may select each field once'

const aliased = (count: number, text: string): string =>
  Array.from({ length: count }, (_, index) => `a${index}: ${text}`).join(' ')

/** Small documents with results of several megabytes. */
const MULTIPLIED: Readonly<Record<string, string>> = {
  'aliases of __schema': `{ ${aliased(49, '__schema { ...S }')} } fragment S on __Schema { types { fields { args { type { name } } type { inputFields { name description } } } } }`,
  'aliases of __type': `{ ${aliased(49, '__type(name: "Upload") { fields { description } }')} }`,
  'aliases of a list': `{ __schema { ${aliased(49, 'types { fields { description } }')} } }`,
  'aliases in fragments': `{ __schema { types { ${aliased(24, 'fields { ...F }')} } } } fragment F on __Field { ${aliased(24, 'description')} }`,
  'fields of two fragments': `{ __schema { types { ...A ...B } } } fragment A on __Type { a: fields { description } } fragment B on __Type { ... on __Type { b: fields { description } } }`,
  '__schema in fragments': `{ ...A ... on Query { b: __schema { types { name } } } } fragment A on Query { __schema { types { name } } }`,
  'aliases of __typename': `{ __schema { types { fields { ${aliased(49, '__typename')} } } } }`,
}

async function sendQuery(gateway: TestGateway, query: string, accept = 'application/json') {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query }),
  })
  return response.text()
}

it.each(Object.entries(MULTIPLIED))(
  'rejects %s with an error that contains the rule',
  async (_name, query) => {
    const gateway = await startTestGateway()
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const text = await sendQuery(gateway, query)
      expect(text).toContain(CODE)
      expect(text).toContain(RULE)
      expect(text.length).toBeLessThan(40_000)
    }
    expect(await sendQuery(gateway, query, 'text/event-stream')).toContain(RULE)
    const client = createClient({
      url: `${gateway.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
    })
    const error = await new Promise((resolve) => {
      client.subscribe({ query }, { next: resolve, error: resolve, complete: () => {} })
    })
    expect(JSON.stringify(error)).toContain(RULE)
    await client.dispose()
  },
)

it('accepts the standard introspection query with all of its options', async () => {
  const gateway = await startTestGateway()
  const query = getIntrospectionQuery({
    descriptions: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  })
  // Some clients add `__typename` to each selection set.
  const withTypenames = query
    .replaceAll(/fragment \w+ on \w+ \{/g, '$& __typename')
    .replaceAll(/ (?:types|fields\([^)]*\)|args\([^)]*\)) \{/g, '$& __typename')
  for (const text of [
    query,
    withTypenames,
    '{ __schema { types { name } } __type(name: "Upload") { name } }',
    '{ schema: __schema { all: types { title: name } } }',
  ]) {
    const result = await sendQuery(gateway, text)
    expect(result).not.toContain('"errors"')
    expect(result.length).toBeLessThan(200_000)
  }
})

it('accepts the same introspection in each operation of a document', async () => {
  const gateway = await startTestGateway()
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query:
        'query A { ...S } query B { ...S } fragment S on Query { __schema { types { name } } }',
      operationName: 'B',
    }),
  })
  expect(await response.text()).not.toContain('"errors"')
})

it('rejects 60 nested fragments in less than a second', async () => {
  const gateway = await startTestGateway()
  const names = Array.from({ length: 60 }, (_, index) => `F${index}`)
  const fragments = names.map(
    (name, index) =>
      `fragment ${name} on __Type { ofType { ...${names[index + 1] ?? 'Z'} } interfaces { ...${names[index + 1] ?? 'Z'} } }`,
  )
  const startedAt = performance.now()
  await sendQuery(
    gateway,
    `{ __schema { types { ...F0 } } } ${fragments.join(' ')} fragment Z on __Type { a: name b: name }`,
  )
  expect(performance.now() - startedAt).toBeLessThan(1000)
})
