/** What one small document can make the gateway compute, return and keep for a client that does not read. */
import { getIntrospectionQuery } from 'graphql'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { startTestGateway } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'

const resultShape = z.object({
  data: z
    .object({
      __schema: z.object({ types: z.array(z.unknown()) }).optional(),
      upload: z.object({ id: z.string() }).optional(),
    })
    .nullish(),
  errors: z.array(z.looseObject({ message: z.string() })).optional(),
})

async function query(url: string, document: string, variables: object = {}) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: document, variables }),
  })
  const text = await response.text()
  return { text, result: resultShape.parse(JSON.parse(text)) }
}

it('answers the introspection query of every tool', async () => {
  const { url } = await startTestGateway()
  const { result } = await query(
    url,
    getIntrospectionQuery({
      descriptions: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    }),
  )
  expect(result.errors).toBeUndefined()
  expect(result.data?.__schema?.types.length).toBeGreaterThan(20)
})

it.each([
  ['__schema', '{ a: __schema { types { name } } b: __schema { types { name } } }'],
  ['a field below', '{ __schema { types { name a: fields { name } b: fields { name } } } }'],
  ['a field in a fragment', '{ __schema { ...S } } fragment S on __Schema { a: types { name } }'],
])('rejects an alias of introspection: %s', async (_name, document) => {
  const { url } = await startTestGateway()
  const { result } = await query(url, document)
  expect(result.errors?.[0]).toMatchObject({
    message: 'Introspection fields cannot have aliases. Select each field once.',
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
  })
  expect(result.data).toBeUndefined()
})

it('bounds the entries of allowedOrigins in one result', async () => {
  const gateway = await startTestGateway()
  const allowedOrigins = Array.from({ length: 100 }, (_, index) => `host-${index}.example.com`)
  const { uid } = expectMinted(await createDirectUpload(gateway.as(), { allowedOrigins }))
  const { result: node } = await query(
    gateway.url,
    'query($uid: ID!) { upload(uid: $uid) { id } }',
    { uid },
  )
  const ids = Array.from({ length: 100 }, () => node.data?.upload?.id)
  const fields = 'a: allowedOrigins b: allowedOrigins'
  const document = `query($ids: [ID!]!) { nodes(ids: $ids) { ... on Upload { constraints { ${fields} } } } }`
  const { text, result } = await query(gateway.url, document, { ids })
  expect(result.errors?.[0]?.message).toContain('allowedOrigins')
  expect(text.length).toBeLessThan(1_000_000)
})
