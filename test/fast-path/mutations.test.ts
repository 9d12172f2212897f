/** Mutations both ways: the same answers, and whatever the lane makes of one, it is done once. */
import { describe, expect, it } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { tokenFor } from '../kit/gateway.ts'
import { type Question, ask } from './both-paths.ts'
import { DELETE, DELETION, DIRECT, INPUT, MINT, MINT_TUS, TUS, teach } from './mutations.ts'
import { type Setup, type Wanted, setSetup } from './setup.ts'
import { withoutNames } from './normalize-response.ts'

const OPEN = { kind: 'disabled' } as const

/** What is asked, and what stands in its answer by either way. */
interface Row {
  readonly name: string
  readonly expected: string
  readonly question: Question
  readonly wanted?: Wanted
  /** Before the lane and the long way are asked, once each. */
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
    question: {
      query: MINT,
      variables: {
        input: {
          ...INPUT,
          name: '"\u2028🎬',
          meta: { catch: 1, toJSON: '\ud800' },
          thumbnailTimestampPct: 1,
        },
      },
    },
  },
  {
    name: 'a tus upload, its size as text, one origin for a list',
    expected: 'CreateTusUploadSuccess',
    question: {
      query: MINT_TUS,
      variables: { input: { ...INPUT, sizeBytes: '1000', allowedOrigins: 'example.com' } },
    },
  },
  {
    name: 'input that is not valid',
    expected: 'InvalidInputError',
    question: {
      query: MINT,
      variables: { input: { maxDurationSeconds: 0, name: 'x'.repeat(300) } },
    },
  },
  {
    name: 'an account that is full',
    expected: 'QuotaExceededError',
    wanted: { storageMinutes: 3 },
    question: { query: MINT, variables: { input: { maxDurationSeconds: 240 } } },
  },
  {
    name: 'a caller who asks too often',
    expected: 'RateLimitedError',
    wanted: { createsPerMinute: 2 },
    question: { query: MINT, variables: { input: INPUT } },
  },
  {
    name: 'a key with two inputs, in one operation',
    expected: 'IdempotencyConflictError',
    question: {
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
    name: 'a Stream that fails',
    expected: 'StreamError',
    question: { query: MINT, variables: { input: INPUT } },
    before: (setup) => setup.emulator.fault({ on: 'direct_upload', times: 50, status: 500 }),
    after: (setup) => setup.emulator.clearFaults(),
  },
  {
    name: 'an upload that is not there',
    expected: 'UploadNotFoundError',
    question: { query: DELETE, variables: { uid: 'nobody' } },
  },
  {
    name: 'variables that do not fit',
    expected: 'BAD_USER_INPUT',
    question: { query: MINT, variables: { input: { maxDurationSeconds: 'long' } } },
  },
  {
    name: 'an unexpected error inside',
    expected: 'INTERNAL_SERVER_ERROR',
    question: { query: MINT, variables: { input: INPUT } },
    before: (setup) => rename(setup, 'uploads', 'away'),
    after: (setup) => rename(setup, 'away', 'uploads'),
  },
  {
    name: 'an error in a later field',
    expected: 'INTERNAL_SERVER_ERROR',
    question: {
      query: `mutation ($input: CreateTusUploadInput!) {
        first: deleteUpload(uid: "nobody") { ${DELETION} }
        second: createTusUpload(input: $input) { ${TUS} }
        third: deleteUpload(uid: "nobody") { ${DELETION} }
      }`,
      variables: { input: { ...INPUT, sizeBytes: 5 } },
    },
    before: (setup) => rename(setup, 'upload_events', 'away'),
    after: (setup) => rename(setup, 'away', 'upload_events'),
  },
]

describe('mutations', () => {
  const accepts = ['application/json', 'application/graphql-response+json']
  const cases = rows.flatMap((row) => accepts.map((accept) => ({ accept, row, name: row.name })))

  it.each(cases)('$name: the same both ways, for $accept', async ({ accept, row }) => {
    const setup = await setSetup({ auth: OPEN, ...row.wanted })
    const question = { ...row.question, headers: { accept } }
    await teach(setup, question)
    await row.before?.(setup)
    const fast = await ask(setup.fast, question)
    await row.after?.(setup)
    await row.before?.(setup)
    const long = await ask(setup.long, question)
    await row.after?.(setup)
    expect(withoutNames(fast)).toEqual(withoutNames(long))
    expect(fast.text).toContain(row.expected)
  })

  it('are answered by the lane itself where nothing is out of the ordinary', async () => {
    const setup = await setSetup({ auth: OPEN })
    const question = { query: MINT, variables: { input: INPUT } }
    await teach(setup, question)
    const { requestId } = await ask(setup.fast, question)
    expect(setup.answeredByLane(requestId)).toBe(true)
  })

  it('delete the same both ways, once and twice', async () => {
    const setup = await setSetup({ auth: OPEN })
    const answers: object[] = []
    await teach(setup, { query: DELETE, variables: { uid: 'nobody' } })
    for (const url of [setup.fast, setup.long]) {
      const minted = await ask(setup.long, { query: MINT, variables: { input: INPUT } })
      const [, uid = ''] = /"uid":"(\w+)"/.exec(minted.text) ?? []
      for (const _time of ['once', 'twice']) {
        answers.push(withoutNames(await ask(url, { query: DELETE, variables: { uid } })))
      }
    }
    expect(answers.slice(0, 2)).toEqual(answers.slice(2))
  })

  it('of others are refused the same both ways', async () => {
    const setup = await setSetup()
    const headers = { authorization: `Bearer ${await tokenFor('ada')}` }
    const question = { query: MINT, variables: { input: { ...INPUT, creator: 'bob' } }, headers }
    await teach(setup, question)
    const fast = await ask(setup.fast, question)
    expect(withoutNames(fast)).toEqual(withoutNames(await ask(setup.long, question)))
    expect(fast.text).toContain('ForbiddenError')
  })
})
