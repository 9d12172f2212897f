/** Mutations get equal responses from both paths. */
import { describe, expect, it } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { tokenFor } from '../kit/gateway.ts'
import { type TestOperation, sendOperation } from './both-paths.ts'
import {
  DELETE,
  DELETION,
  DIRECT,
  INPUT,
  MINT,
  MINT_ANY,
  MINT_SEVERAL,
  MINT_TUS,
  TUS,
  warmUp,
} from './mutations.ts'
import { type Setup, type SetupOptions, createSetup } from './setup.ts'
import { withoutGeneratedIds } from './normalize-response.ts'

const OPEN = { kind: 'disabled' } as const

/** A mutation, and text that the responses of both paths contain. */
interface Row {
  readonly name: string
  readonly expected: string
  readonly operation: TestOperation
  readonly options?: SetupOptions
  /** Called before each of the two requests. */
  readonly before?: (setup: Setup) => Promise<void> | void
  readonly after?: (setup: Setup) => Promise<void> | void
}

function rename(setup: Setup, from: string, to: string): void {
  const { connection } = openSqlite(setup.databaseFile)
  connection.exec(`alter table ${from} rename to ${to}`)
  connection.close()
}

const rows: readonly Row[] = [
  {
    name: 'a basic upload',
    expected: 'CreateDirectUploadSuccess',
    operation: {
      query: MINT,
      variables: {
        input: {
          ...INPUT,
          name: '"\u2028🎬',
          meta: { catch: 1, toJSON: '🎬' },
          thumbnailTimestampPct: 1,
        },
      },
    },
  },
  {
    name: 'a tus upload with its size as a string and one origin instead of a list',
    expected: 'CreateTusUploadSuccess',
    operation: {
      query: MINT_TUS,
      variables: { input: { ...INPUT, sizeBytes: '1000', allowedOrigins: 'example.com' } },
    },
  },
  {
    name: 'a small file',
    expected: 'CreateDirectUploadSuccess',
    operation: { query: MINT_ANY, variables: { input: { ...INPUT, sizeBytes: 1000 } } },
  },
  {
    name: 'a large file, with its size as a string',
    expected: 'CreateTusUploadSuccess',
    operation: { query: MINT_ANY, variables: { input: { ...INPUT, sizeBytes: '200000001' } } },
  },
  {
    name: 'a small file and an unreliable connection',
    expected: 'CreateTusUploadSuccess',
    operation: {
      query: MINT_ANY,
      variables: { input: { ...INPUT, sizeBytes: 1000, reliableConnection: false } },
    },
  },
  {
    name: 'a connection whose reliability is null',
    expected: 'BAD_USER_INPUT',
    operation: {
      query: MINT_ANY,
      variables: { input: { ...INPUT, sizeBytes: 1000, reliableConnection: null } },
    },
  },
  {
    name: 'several files, with errors among them',
    expected: '"CreateTusUploadSuccess"',
    options: { creatorQuotaSeconds: 120 },
    operation: {
      query: MINT_SEVERAL,
      variables: {
        inputs: [
          { ...INPUT, sizeBytes: 0 },
          { ...INPUT, sizeBytes: 5, idempotencyKey: 'a' },
          { ...INPUT, sizeBytes: 200_000_001, idempotencyKey: 'b' },
          { ...INPUT, sizeBytes: 5, idempotencyKey: 'c' },
          { ...INPUT, sizeBytes: 5, idempotencyKey: 'a' },
          { ...INPUT, sizeBytes: 5, reliableConnection: false, idempotencyKey: 'a' },
        ],
      },
    },
  },
  {
    name: 'one input instead of a list',
    expected: 'CreateDirectUploadSuccess',
    operation: { query: MINT_SEVERAL, variables: { inputs: { ...INPUT, sizeBytes: 5 } } },
  },
  {
    name: 'no input in a list',
    expected: 'BAD_USER_INPUT',
    operation: { query: MINT_SEVERAL, variables: { inputs: [] } },
  },
  {
    name: 'too many inputs in a list, after another mutation',
    expected: 'BAD_USER_INPUT',
    operation: {
      query: `mutation ($inputs: [CreateUploadInput!]!) {
        deleteUpload(uid: "unknown") { ${DELETION} }
        createUploads(inputs: $inputs) { __typename }
      }`,
      variables: { inputs: Array.from({ length: 21 }, () => ({ ...INPUT, sizeBytes: 5 })) },
    },
  },
  {
    name: 'invalid input',
    expected: 'InvalidInputError',
    operation: {
      query: MINT,
      variables: {
        input: { maxDurationSeconds: 0, name: 'x'.repeat(300), meta: { 'a\ud800': '\udc00' } },
      },
    },
  },
  {
    name: 'a full account',
    expected: 'QuotaExceededError',
    options: { storageMinutes: 3 },
    operation: { query: MINT, variables: { input: { maxDurationSeconds: 240 } } },
  },
  {
    name: 'a caller over its rate limit',
    expected: 'RateLimitedError',
    options: { createsPerMinute: 2 },
    operation: { query: MINT, variables: { input: INPUT } },
  },
  {
    name: 'one idempotency key with two inputs in one operation',
    expected: 'IdempotencyConflictError',
    operation: {
      query: `mutation ($one: CreateDirectUploadInput!, $two: CreateDirectUploadInput!) {
        one: createDirectUpload(input: $one) { ${DIRECT} }
        two: createDirectUpload(input: $two) { ${DIRECT} }
        __typename
      }`,
      variables: {
        one: { ...INPUT, idempotencyKey: 'k' },
        two: { maxDurationSeconds: 61, idempotencyKey: 'k' },
      },
    },
  },
  {
    name: 'an error of Stream',
    expected: 'StreamError',
    operation: { query: MINT, variables: { input: INPUT } },
    before: (setup) => setup.emulator.fault({ on: 'direct_upload', times: 50, status: 500 }),
    after: (setup) => setup.emulator.clearFaults(),
  },
  {
    name: 'an unknown upload',
    expected: 'UploadNotFoundError',
    operation: { query: DELETE, variables: { uid: 'nobody' } },
  },
  {
    name: 'variables of the wrong type',
    expected: 'BAD_USER_INPUT',
    operation: { query: MINT, variables: { input: { maxDurationSeconds: 'long' } } },
  },
  {
    name: 'an unexpected error',
    expected: 'INTERNAL_SERVER_ERROR',
    operation: { query: MINT, variables: { input: INPUT } },
    before: (setup) => rename(setup, 'uploads', 'missing'),
    after: (setup) => rename(setup, 'missing', 'uploads'),
  },
  {
    name: 'an error in a later field',
    expected: 'INTERNAL_SERVER_ERROR',
    operation: {
      query: `mutation ($input: CreateTusUploadInput!) {
        first: deleteUpload(uid: "unknown") { ${DELETION} }
        second: createTusUpload(input: $input) { ${TUS} }
        third: deleteUpload(uid: "unknown") { ${DELETION} }
      }`,
      variables: { input: { ...INPUT, sizeBytes: 5 } },
    },
    before: (setup) => rename(setup, 'upload_events', 'missing'),
    after: (setup) => rename(setup, 'missing', 'upload_events'),
  },
]

describe('mutations', () => {
  const accepts = ['application/json', 'application/graphql-response+json']
  const cases = rows.flatMap((row) => accepts.map((accept) => ({ accept, row, name: row.name })))

  it.each(cases)(
    'get equal responses from both paths: $name, for $accept',
    async ({ accept, row }) => {
      const setup = await createSetup({ auth: OPEN, ...row.options })
      const operation = { ...row.operation, headers: { accept } }
      await warmUp(setup, operation)
      await row.before?.(setup)
      const fast = await sendOperation(setup.fast, operation)
      await row.after?.(setup)
      await row.before?.(setup)
      const fallback = await sendOperation(setup.fallback, operation)
      await row.after?.(setup)
      expect(withoutGeneratedIds(fast)).toEqual(withoutGeneratedIds(fallback))
      expect(fast.text).toContain(row.expected)
    },
  )

  it('get the response of the fast path in the common case', async () => {
    const setup = await createSetup({ auth: OPEN })
    const operation = { query: MINT, variables: { input: INPUT } }
    await warmUp(setup, operation)
    const { requestId } = await sendOperation(setup.fast, operation)
    expect(setup.usedFastPath(requestId)).toBe(true)
  })

  it('that delete get equal responses from both paths, the first and the second time', async () => {
    const setup = await createSetup({ auth: OPEN })
    const responses: object[] = []
    await warmUp(setup, { query: DELETE, variables: { uid: 'nobody' } })
    for (const url of [setup.fast, setup.fallback]) {
      const minted = await sendOperation(setup.fallback, {
        query: MINT,
        variables: { input: INPUT },
      })
      const [, uid = ''] = /"uid":"(\w+)"/.exec(minted.text) ?? []
      for (const _attempt of [1, 2]) {
        responses.push(
          withoutGeneratedIds(await sendOperation(url, { query: DELETE, variables: { uid } })),
        )
      }
    }
    expect(responses.slice(0, 2)).toEqual(responses.slice(2))
  })

  it('for another creator are rejected equally by both paths', async () => {
    const setup = await createSetup()
    const headers = { authorization: `Bearer ${await tokenFor('ada')}` }
    const operation = { query: MINT, variables: { input: { ...INPUT, creator: 'bob' } }, headers }
    await warmUp(setup, operation)
    const fast = await sendOperation(setup.fast, operation)
    expect(withoutGeneratedIds(fast)).toEqual(
      withoutGeneratedIds(await sendOperation(setup.fallback, operation)),
    )
    expect(fast.text).toContain('ForbiddenError')
  })
})
