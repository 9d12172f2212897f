/** What one small document can make the gateway compute, return and keep for a client that does not read. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { startTestGateway } from '../kit/gateway.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'

const resultShape = z.object({
  data: z
    .object({
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
