/** Errors of invalid variables: each repeats the whole value of its variable. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestGateway } from '../kit/gateway.ts'

const Rejected = z.object({
  errors: z.array(z.object({ message: z.string(), extensions: z.object({ code: z.string() }) })),
})

/** As many as fit in a request. */
const UNKNOWN_FIELDS = Object.fromEntries(
  Array.from({ length: 4000 }, (_, index) => [`sizeB${index}`, 1]),
)
const CREATE =
  'mutation ($input: CreateUploadInput!) { createUpload(input: $input) { __typename } }'
const LIST = 'subscription ($filter: UploadFilter) { uploadList(filter: $filter) { isListed } }'

async function rejectionOf(query: string, variables: object) {
  const gateway = await startTestGateway()
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: '*/*' },
    body: JSON.stringify({ query, variables }),
  })
  return { status: response.status, ...Rejected.parse(await response.json()) }
}

describe('a request with thousands of invalid fields in a variable', () => {
  it.each([
    ['mutation', CREATE, { input: UNKNOWN_FIELDS }],
    ['subscription', LIST, { filter: UNKNOWN_FIELDS }],
  ])('gets a few errors of a %s', async (_kind, query, variables) => {
    const { status, errors } = await rejectionOf(query, variables)
    expect(status).toBe(400)
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(
      Array.from({ length: 6 }, () => 'BAD_USER_INPUT'),
    )
    expect(errors.at(-1)?.message).toContain('error limit reached')
  })
})

it('names each invalid field of a variable with a few', async () => {
  const { status, errors } = await rejectionOf(CREATE, {
    input: { sizeByte: 1, maxDurationSecond: 1 },
  })
  expect(status).toBe(400)
  expect(errors.map(({ message }) => message.replace(/.*; /, ''))).toEqual([
    'Field "maxDurationSeconds" of required type "Int!" was not provided.',
    'Field "sizeBytes" of required type "ByteCount!" was not provided.',
    'Field "sizeByte" is not defined by type "CreateUploadInput". Did you mean "sizeBytes"?',
    'Field "maxDurationSecond" is not defined by type "CreateUploadInput". Did you mean "maxDurationSeconds"?',
  ])
})
