/** Field errors of one operation: their number, and the number of fields that are executed after too many. */
import { setImmediate as nextTick } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { MAX_FIELD_ERRORS } from '../../src/graphql/result-limit.ts'
import { createSetup } from '../fast-path/setup.ts'
import { expectSameResponse, sendOperation } from '../fast-path/both-paths.ts'
import { fillStore } from '../kit/fill-store.ts'
import { callerOf, tokenFor } from '../kit/gateway.ts'
import { createUploads, expectMinted } from '../kit/operations.ts'

const Failed = z.object({
  errors: z.array(
    z.object({
      message: z.string(),
      path: z.array(z.union([z.string(), z.number()])).optional(),
      extensions: z.object({ code: z.string() }),
    }),
  ),
})

const Totals = z.object({ data: z.object({ uploads: z.object({ totalCount: z.number() }) }) })

/** Selects the fields for each of 100 READY videos. */
const ofVideos = (fields: string): string =>
  `uploads(first: 100, filter: { status: READY }) { nodes { ${fields} } }`

const repeat = (field: string): string =>
  Array.from({ length: 20 }, (_, index) => `a${index}: ${field}`).join(' ')

const UPLOADS = 150
/** Every twentieth. */
const PENDING = 8

async function start() {
  const setup = await createSetup()
  fillStore(setup.databaseFile, { uploads: UPLOADS, creators: 1, newest: new Date() })
  return { setup, headers: { authorization: `Bearer ${await tokenFor('creator-0')}` } }
}

describe('an operation with an error in each of 2,000 fields', () => {
  it.each([
    [
      'rejected arguments',
      `{ ${ofVideos(`video { ${repeat('playback(ttlSeconds: 1) { hlsURL }')} }`)} }`,
      MAX_FIELD_ERRORS,
    ],
    [
      'rejected arguments of nested fields',
      `{ ${ofVideos(`video { playback { ${repeat('thumbnailURL(width: 0)')} } }`)} }`,
      // One of the twenty of each object, which is null then.
      Math.ceil(MAX_FIELD_ERRORS / 20),
    ],
  ])('lists the first errors and one that names the limit: %s', async (_kind, query, count) => {
    const { setup, headers } = await start()
    const { text } = await expectSameResponse(setup, { query, headers })
    const { errors } = Failed.parse(JSON.parse(text))
    expect(errors).toHaveLength(count + 1)
    const ofLimit = errors.filter(({ extensions: { code } }) => code === 'RESULT_TOO_LARGE')
    expect(ofLimit).toMatchObject([
      { message: expect.stringContaining(`limit: ${MAX_FIELD_ERRORS} fields`) },
    ])
    expect(ofLimit[0]?.path?.slice(0, 2)).toEqual(['uploads', 'nodes'])
    expect(new Set(errors.map(({ path }) => JSON.stringify(path))).size).toBe(count + 1)
  })

  it.each([
    ['argument', '($null: Int)', 'video { playback(ttlSeconds: $null) { hlsURL } }'],
    ['condition', '($null: Boolean = true)', 'uid name @include(if: $null)'],
  ])(
    'is rejected before it is executed if they come from null as %s',
    async (_kind, variables, fields) => {
      const { setup, headers } = await start()
      const query = `query ${variables} { ${ofVideos(fields)} }`
      const { status, text } = await expectSameResponse(setup, {
        query,
        headers,
        variables: { null: null },
      })
      expect(status).toBe(400)
      const { errors } = Failed.parse(JSON.parse(text))
      expect(errors).toHaveLength(1)
      expect(errors).toMatchObject([
        {
          message: expect.stringContaining('Variable "$null" must not be null'),
          extensions: { code: 'BAD_USER_INPUT' },
        },
      ])
    },
  )

  it.each([
    [
      'a variable __proto__',
      'query ($__proto__: Boolean!) { uploads(first: 100) { nodes { uid @include(if: $__proto__) } } }',
      'The variable name `__proto__` is not allowed.',
    ],
    [
      'a chain of fragments that overflows the stack',
      `{ ...F0 } ${Array.from({ length: 97 }, (_, n) => `fragment F${n} on Query { ...F${n + 1} }`).join(' ')} fragment F97 on Query { ${Array.from({ length: 98 }, (_, n) => `...F${n}`).join(' ')} }`,
      'Document nested too deeply',
    ],
  ])('is rejected by validation: %s', async (_kind, query, message) => {
    const { setup, headers } = await start()
    const { text } = await sendOperation(setup.fast, { query, headers })
    expect(text).toContain(message)
    expect(setup.errors).toEqual([])
  })

  it.each(['fast', 'fallback'] as const)(
    'leaves no promise behind that rejects later: %s path',
    async (path) => {
      const { setup, headers } = await start()
      const caller = callerOf(`${setup.fallback}/graphql`, undefined, headers)
      // 390,000 characters in a page.
      const allowedOrigins = Array.from({ length: 100 }, (_, n) => `${n}.`.padEnd(39, 'a'))
      const inputs = Array.from({ length: 10 }, () => ({ allowedOrigins }))
      for (let call = 0; call < 10; call += 1) {
        for (const outcome of await createUploads(caller, inputs)) expectMinted(outcome)
      }
      const page =
        'uploads(first: 100) { nodes { constraints { allowedOrigins } history { source } } }'
      const query = `{ ${Array.from({ length: 10 }, (_, index) => `a${index}: ${page}`).join(' ')} }`
      const rejections: unknown[] = []
      const onRejection = (error: unknown): void => void rejections.push(error)
      process.on('unhandledRejection', onRejection)
      onTestFinished(() => void process.off('unhandledRejection', onRejection))
      const { text } = await sendOperation(setup[path], { query, headers })
      expect(text).toContain('RESULT_TOO_LARGE')
      await nextTick()
      expect(rejections).toEqual([])
    },
  )

  it('creates nothing if they come from null in a mutation', async () => {
    const { setup, headers } = await start()
    const input = '{ sizeBytes: 1000, maxDurationSeconds: 10 }'
    const query = `mutation ($null: Boolean = true) {
      createTusUpload(input: ${input}) { ... on CreateTusUploadSuccess { upload { uid @include(if: $null) } } }
    }`
    const { text } = await expectSameResponse(setup, { query, headers, variables: { null: null } })
    expect(text).toContain('must not be null')
    const totals = await sendOperation(setup.fast, {
      query: '{ uploads(filter: { status: PENDING_UPLOAD }) { totalCount } }',
      headers,
    })
    const { totalCount } = Totals.parse(JSON.parse(totals.text)).data.uploads
    expect(totalCount).toBe(PENDING)
  })
})
