/** Mutations that are late, or that the lane gives up in their midst: nothing is done twice, or too late. */
import { describe, expect, it } from 'vitest'
import { MAX_CONCURRENT_OPERATIONS } from '../../src/http/graphql/plugins/concurrency-limit.ts'
import { OPERATION_TIMEOUT_MS } from '../../src/http/graphql/plugins/operation-timeout.ts'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { ask } from './both-paths.ts'
import { DELETE, DIRECT, INPUT, MINT, teach } from './mutations.ts'
import type { Sent } from './send-request.ts'
import { type Setup, setSetup } from './setup.ts'
import { turns, until } from './subscription-clients.ts'
import { withoutNames } from './normalize-response.ts'

const OPEN = { kind: 'disabled' } as const

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
    stream: (stream: StreamApi): StreamApi => ({
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
      const setup = await setSetup({ auth: OPEN, store: failingHistories(() => isBroken) })
      const question = { query: THREE, variables: { input: INPUT }, headers: { accept } }
      await teach(setup, question)
      isBroken = true
      const before = (await setup.emulator.state()).videos.length
      const fast = await ask(setup.fast, question)
      const between = (await setup.emulator.state()).videos.length
      const long = await ask(setup.long, question)
      const after = (await setup.emulator.state()).videos.length
      expect(withoutNames(fast)).toEqual(withoutNames(long))
      expect(fast.text).toContain('INTERNAL_SERVER_ERROR')
      expect(setup.answeredByLane(fast.requestId)).toBe(true)
      expect(between - before).toBe(after - between)
      const { connection } = openSqlite(setup.databaseFile)
      const rowsKept = connection.prepare<[], number>('select count(*) from uploads').pluck().get()
      connection.close()
      expect(rowsKept).toBe(after)
    },
  )

  it('is answered although its caller has as many under way as anybody may', async () => {
    let isBroken = false
    const waiting = waitingMints()
    const setup = await setSetup({
      auth: OPEN,
      store: failingHistories(() => isBroken),
      stream: waiting.stream,
    })
    const question = { query: DELETE, variables: { uid: '' } }
    const answers: Sent[] = []
    await teach(setup, question)
    for (const url of [setup.fast, setup.long]) {
      const minted = await ask(setup.long, { query: MINT, variables: { input: INPUT } })
      const [, uid = ''] = /"uid":"(\w+)"/.exec(minted.text) ?? []
      // Stream's figures serve for ten seconds.
      setup.clock.advance(11)
      waiting.letPass(0)
      isBroken = true
      const others = Array.from({ length: MAX_CONCURRENT_OPERATIONS - 1 }, () =>
        setup.gateway.fetch(
          new Request(`${setup.long}/graphql`, {
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
        const setup = await setSetup({ auth: OPEN, stream: waiting.stream })
        const question = { query: THREE, variables: { input: INPUT }, headers: { accept } }
        await teach(setup, question)
        waiting.letPass(1)
        const answer = ask(setup[way], question)
        await until(() => waiting.asked() === 2)
        setup.clock.advance(OPERATION_TIMEOUT_MS / 1000 + 1)
        // The lane answers at once; Yoga does once the field is done that was under way.
        if (way === 'fast') await answer
        waiting.letGo()
        answers.push(withoutNames(await answer))
        await quiet(setup)
        expect(waiting.asked()).toBe(2)
      }
      expect(answers[0]).toEqual(answers[1])
    },
  )

  it('begins nothing more either where the lane had given it up', async () => {
    let failures = 0
    const waiting = waitingMints()
    const setup = await setSetup({
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
    await teach(setup, question)
    // The first reading fails, and the one of the long way does not.
    failures = 1
    waiting.letPass(0)
    const answer = ask(setup.fast, question)
    await until(() => waiting.waiting() === 1)
    setup.clock.advance(20)
    waiting.letGo()
    await until(() => waiting.waiting() === 1)
    setup.clock.advance(OPERATION_TIMEOUT_MS / 1000 - 19)
    expect((await answer).text).toContain('TIMEOUT')
    waiting.letGo()
    await quiet(setup)
    expect(waiting.asked()).toBe(2)
  })
})

/** Whatever was begun has come to something. */
async function quiet(setup: Setup): Promise<void> {
  for (let round = 0; round < 5; round += 1)
    await ask(setup.long, { query: '{ uploads { totalCount } }' })
}
