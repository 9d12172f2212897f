/** Mutations both ways: the same answers, and whatever the lane makes of one, it is done once. */
import { describe, expect, it } from 'vitest'
import { MOST_RUNNING } from '../../src/http/crowd-limit.ts'
import { MOST_MILLISECONDS } from '../../src/http/time-limit.ts'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import type { UploadStore } from '../../src/store/store.ts'
import type { StreamBackend } from '../../src/stream/backend.ts'
import { tokenFor } from '../kit/gateway.ts'
import { LESSONS, type Question, ask } from './both-ways.ts'
import type { Sent } from './send.ts'
import { type Stage, type Wanted, setStage } from './stage.ts'
import { withoutNames } from './without-names.ts'

const OPEN = { kind: 'open' } as const

const UPLOAD = `
  id uid uploadURL status version protocol creator name meta createdAt updatedAt expiresAt
  constraints { maxDurationSeconds maxSizeBytes allowedOrigins requireSignedURLs scheduledDeletion }
  progress { totalBytes receivedBytes encodingPercent } failure { code } video { width }
  history { status source at }
`
const PROBLEMS = `
  ... on Error { code message } ... on InvalidInputError { issues { path message } }
  ... on QuotaExceededError { requestedMinutes availableMinutes }
  ... on RateLimitedError { retryAfterSeconds } ... on StreamError { retryable }
`
const DIRECT = `__typename ... on CreateDirectUploadSuccess { uploadURL formField upload { ${UPLOAD} } } ${PROBLEMS}`
const TUS = `__typename ... on CreateTusUploadSuccess { uploadURL chunkSizeBytes upload { ${UPLOAD} } } ${PROBLEMS}`
const DELETION = `__typename ... on DeleteUploadSuccess { upload { ${UPLOAD} } } ... on Error { code message } ... on UploadNotFoundError { uid } ... on StreamError { retryable }`

const MINT = `mutation ($input: CreateDirectUploadInput!) { mint: createDirectUpload(input: $input) { ${DIRECT} } }`
const MINT_TUS = `mutation ($input: CreateTusUploadInput!) { mint: createTusUpload(input: $input) { ${TUS} } }`
const DELETE = `mutation ($uid: ID!) { deleteUpload(uid: $uid) { ${DELETION} } }`
const INPUT = { maxDurationSeconds: 60 }

/** What is asked, and what stands in its answer by either way. */
interface Row {
  readonly name: string
  readonly expected: string
  readonly question: Question
  readonly wanted?: Wanted
  /** Before the lane and the long way are asked, once each. */
  readonly before?: (stage: Stage) => Promise<void> | void
  readonly after?: (stage: Stage) => Promise<void> | void
}

function rename(stage: Stage, from: string, to: string): void {
  const { connection } = openSqlite(stage.databaseFile)
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
    before: (stage) => stage.emulator.fault({ on: 'direct_upload', times: 50, status: 500 }),
    after: (stage) => stage.emulator.clearFaults(),
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
    before: (stage) => rename(stage, 'uploads', 'away'),
    after: (stage) => rename(stage, 'away', 'uploads'),
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
    before: (stage) => rename(stage, 'upload_events', 'away'),
    after: (stage) => rename(stage, 'away', 'upload_events'),
  },
]

async function teach(stage: Stage, question: Question): Promise<void> {
  for (let lesson = 0; lesson < LESSONS; lesson += 1) await ask(stage.fast, question)
}

describe('mutations', () => {
  const accepts = ['application/json', 'application/graphql-response+json']
  const cases = rows.flatMap((row) => accepts.map((accept) => ({ accept, row, name: row.name })))

  it.each(cases)('$name: the same both ways, for $accept', async ({ accept, row }) => {
    const stage = await setStage({ auth: OPEN, ...row.wanted })
    const question = { ...row.question, headers: { accept } }
    await teach(stage, question)
    await row.before?.(stage)
    const fast = await ask(stage.fast, question)
    await row.after?.(stage)
    await row.before?.(stage)
    const long = await ask(stage.long, question)
    await row.after?.(stage)
    expect(withoutNames(fast)).toEqual(withoutNames(long))
    expect(fast.text).toContain(row.expected)
  })

  it('are answered by the lane itself where nothing is out of the ordinary', async () => {
    const stage = await setStage({ auth: OPEN })
    const question = { query: MINT, variables: { input: INPUT } }
    await teach(stage, question)
    const { requestId } = await ask(stage.fast, question)
    expect(stage.answeredByLane(requestId)).toBe(true)
  })

  it('delete the same both ways, once and twice', async () => {
    const stage = await setStage({ auth: OPEN })
    const answers: object[] = []
    await teach(stage, { query: DELETE, variables: { uid: 'nobody' } })
    for (const url of [stage.fast, stage.long]) {
      const minted = await ask(stage.long, { query: MINT, variables: { input: INPUT } })
      const [, uid = ''] = /"uid":"(\w+)"/.exec(minted.text) ?? []
      for (const _time of ['once', 'twice']) {
        answers.push(withoutNames(await ask(url, { query: DELETE, variables: { uid } })))
      }
    }
    expect(answers.slice(0, 2)).toEqual(answers.slice(2))
  })

  it('of others are refused the same both ways', async () => {
    const stage = await setStage()
    const headers = { authorization: `Bearer ${await tokenFor('ada')}` }
    const question = { query: MINT, variables: { input: { ...INPUT, creator: 'bob' } }, headers }
    await teach(stage, question)
    const fast = await ask(stage.fast, question)
    expect(withoutNames(fast)).toEqual(withoutNames(await ask(stage.long, question)))
    expect(fast.text).toContain('ForbiddenError')
  })
})

/** Histories fail when told to, after whatever the mutation did. */
function failingHistories(isBroken: () => boolean) {
  return (store: UploadStore): UploadStore => ({
    ...store,
    historyOf: (ids) =>
      isBroken() ? Promise.reject(new Error('the disk is gone')) : store.historyOf(ids),
  })
}

/** Mints wait, those after the first so many, each time until they are let go. */
function waitingMints() {
  let waiting: (() => void)[] = []
  let passing = Infinity
  let asked = 0
  function wait(): Promise<void> {
    return new Promise((resolve) => {
      waiting.push(resolve)
    })
  }
  return {
    letPass(mints: number) {
      passing = mints
      asked = 0
    },
    letGo() {
      for (const goOn of waiting) goOn()
      waiting = []
    },
    asked: () => asked,
    waiting: () => waiting.length,
    stream: (stream: StreamBackend): StreamBackend => ({
      ...stream,
      async createDirectUpload(...args) {
        asked += 1
        if (asked > passing) await wait()
        return stream.createDirectUpload(...args)
      },
      async storageUsage(...args) {
        if (passing === 0) await wait()
        return stream.storageUsage(...args)
      },
    }),
  }
}

const THREE = `mutation ($input: CreateDirectUploadInput!) {
  one: createDirectUpload(input: $input) { ${DIRECT} }
  two: createDirectUpload(input: $input) { ${DIRECT} }
  three: createDirectUpload(input: $input) { ${DIRECT} }
}`

describe('a mutation that the lane gives up after it was done', () => {
  it.each(['application/json', 'application/graphql-response+json'])(
    'is done once, and answered as the long way answers, for %s',
    async (accept) => {
      let isBroken = false
      const stage = await setStage({ auth: OPEN, store: failingHistories(() => isBroken) })
      const question = { query: THREE, variables: { input: INPUT }, headers: { accept } }
      await teach(stage, question)
      isBroken = true
      const before = (await stage.emulator.state()).videos.length
      const fast = await ask(stage.fast, question)
      const between = (await stage.emulator.state()).videos.length
      const long = await ask(stage.long, question)
      const after = (await stage.emulator.state()).videos.length
      expect(withoutNames(fast)).toEqual(withoutNames(long))
      expect(fast.text).toContain('INTERNAL_SERVER_ERROR')
      expect(stage.answeredByLane(fast.requestId)).toBe(true)
      expect(between - before).toBe(after - between)
      const { connection } = openSqlite(stage.databaseFile)
      const rowsKept = connection.prepare<[], number>('select count(*) from uploads').pluck().get()
      connection.close()
      expect(rowsKept).toBe(after)
    },
  )

  it('is answered although its caller has as many under way as anybody may', async () => {
    let isBroken = false
    const waiting = waitingMints()
    const stage = await setStage({
      auth: OPEN,
      store: failingHistories(() => isBroken),
      stream: waiting.stream,
    })
    const question = { query: DELETE, variables: { uid: '' } }
    const answers: Sent[] = []
    await teach(stage, question)
    for (const url of [stage.fast, stage.long]) {
      const minted = await ask(stage.long, { query: MINT, variables: { input: INPUT } })
      const [, uid = ''] = /"uid":"(\w+)"/.exec(minted.text) ?? []
      // Stream's figures serve for ten seconds.
      stage.clock.advance(11)
      waiting.letPass(0)
      isBroken = true
      const others = Array.from({ length: MOST_RUNNING - 1 }, () =>
        stage.gateway.fetch(
          new Request(`${stage.long}/graphql`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ query: '{ storageUsage { videoCount } }' }),
          }),
        ),
      )
      await until(() => waiting.waiting() > 0)
      // The others share that answer: each of them is under way a few turns later.
      await turns(100)
      answers.push(await ask(url, { ...question, variables: { uid } }))
      waiting.letGo()
      await Promise.all(others)
      waiting.letPass(Infinity)
      isBroken = false
    }
    const [fast, long] = answers.map(withoutNames)
    expect(fast).toEqual(long)
  })
})

describe('a mutation that takes too long', () => {
  it.each(['application/json', 'application/graphql-response+json'])(
    'is answered TIMEOUT, and nothing of it is begun after that, for %s',
    async (accept) => {
      const answers: object[] = []
      for (const way of ['fast', 'long'] as const) {
        const waiting = waitingMints()
        const stage = await setStage({ auth: OPEN, stream: waiting.stream })
        const question = { query: THREE, variables: { input: INPUT }, headers: { accept } }
        await teach(stage, question)
        waiting.letPass(1)
        const answer = ask(stage[way], question)
        await until(() => waiting.asked() === 2)
        stage.clock.advance(MOST_MILLISECONDS / 1000 + 1)
        // The lane answers at once; Yoga does once the field is done that was under way.
        if (way === 'fast') await answer
        waiting.letGo()
        answers.push(withoutNames(await answer))
        await quiet(stage)
        expect(waiting.asked()).toBe(2)
      }
      expect(answers[0]).toEqual(answers[1])
    },
  )

  it('begins nothing more either where the lane had given it up', async () => {
    let failures = 0
    const waiting = waitingMints()
    const stage = await setStage({
      auth: OPEN,
      store: failingHistories(() => {
        failures -= 1
        return failures >= 0
      }),
      stream: waiting.stream,
    })
    const query = `mutation ($input: CreateDirectUploadInput!) {
      one: createDirectUpload(input: $input) { ... on CreateDirectUploadSuccess { upload { uid name history { at } } } }
      two: createDirectUpload(input: $input) { __typename }
      three: createDirectUpload(input: $input) { __typename }
    }`
    const question = { query, variables: { input: INPUT } }
    await teach(stage, question)
    // The first reading fails, and the one of the long way does not.
    failures = 1
    waiting.letPass(0)
    const answer = ask(stage.fast, question)
    await until(() => waiting.waiting() === 1)
    stage.clock.advance(20)
    waiting.letGo()
    await until(() => waiting.waiting() === 1)
    stage.clock.advance(MOST_MILLISECONDS / 1000 - 19)
    expect((await answer).text).toContain('TIMEOUT')
    waiting.letGo()
    await quiet(stage)
    expect(waiting.asked()).toBe(2)
  })
})

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

async function turns(count: number): Promise<void> {
  let left = count
  await until(() => {
    left -= 1
    return left < 0
  })
}

/** Whatever was begun has come to something. */
async function quiet(stage: Stage): Promise<void> {
  for (let round = 0; round < 5; round += 1)
    await ask(stage.long, { query: '{ uploads { totalCount } }' })
}
