/** Mutations that time out or bail out after a field was executed: no field is executed twice, or after the timeout. */
import { describe, expect, it } from 'vitest'
import { MAX_CONCURRENT_OPERATIONS } from '../../src/http/graphql/plugins/concurrency-limit.ts'
import { OPERATION_TIMEOUT_MS } from '../../src/http/graphql/plugins/operation-timeout.ts'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import type { StreamApi } from '../../src/uploads/ports/stream-api.ts'
import { sendOperation } from './both-paths.ts'
import { DELETE, DIRECT, INPUT, MINT, warmUp } from './mutations.ts'
import type { TestResponse } from './send-request.ts'
import { type Setup, createSetup } from './setup.ts'
import { ticks, until } from './subscription-clients.ts'
import { withoutGeneratedIds } from './normalize-response.ts'

const OPEN = { kind: 'disabled' } as const

/** A store whose histories fail while `isBroken` returns true, that is after the mutation has changed the store. */
function withFailingHistories(isBroken: () => boolean) {
  return (store: UploadStore): UploadStore => ({
    ...store,
    historyOf: (ids) =>
      isBroken() ? Promise.reject(new Error('the disk is gone')) : store.historyOf(ids),
  })
}

/** A Stream API whose mints after the first `count` wait until they are released. */
function blockingMints() {
  let waiting: (() => void)[] = []
  let unblocked = Infinity
  let minted = 0
  function wait(): Promise<void> {
    return new Promise((resolve) => {
      waiting.push(resolve)
    })
  }
  return {
    blockAfter(count: number) {
      unblocked = count
      minted = 0
    },
    release() {
      for (const resolve of waiting) resolve()
      waiting = []
    },
    minted: () => minted,
    waiting: () => waiting.length,
    stream: (stream: StreamApi): StreamApi => ({
      ...stream,
      async createDirectUpload(...args) {
        minted += 1
        if (minted > unblocked) await wait()
        return stream.createDirectUpload(...args)
      },
      async storageUsage(...args) {
        if (unblocked === 0) await wait()
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

describe('a mutation that bails out after it was executed', () => {
  it.each(['application/json', 'application/graphql-response+json'])(
    'is executed once, with a response equal to that of the fallback, for %s',
    async (accept) => {
      let isBroken = false
      const setup = await createSetup({ auth: OPEN, store: withFailingHistories(() => isBroken) })
      const operation = { query: THREE, variables: { input: INPUT }, headers: { accept } }
      await warmUp(setup, operation)
      isBroken = true
      const before = (await setup.emulator.state()).videos.length
      const fast = await sendOperation(setup.fast, operation)
      const between = (await setup.emulator.state()).videos.length
      const fallback = await sendOperation(setup.fallback, operation)
      const after = (await setup.emulator.state()).videos.length
      expect(withoutGeneratedIds(fast)).toEqual(withoutGeneratedIds(fallback))
      expect(fast.text).toContain('INTERNAL_SERVER_ERROR')
      expect(setup.usedFastPath(fast.requestId)).toBe(true)
      expect(between - before).toBe(after - between)
      const { connection } = openSqlite(setup.databaseFile)
      const rowsKept = connection.prepare<[], number>('select count(*) from uploads').pluck().get()
      connection.close()
      expect(rowsKept).toBe(after)
    },
  )

  it('gets a response although its caller is at the concurrency limit', async () => {
    let isBroken = false
    const mints = blockingMints()
    const setup = await createSetup({
      auth: OPEN,
      store: withFailingHistories(() => isBroken),
      stream: mints.stream,
    })
    const operation = { query: DELETE, variables: { uid: '' } }
    const responses: TestResponse[] = []
    await warmUp(setup, operation)
    for (const url of [setup.fast, setup.fallback]) {
      const minted = await sendOperation(setup.fallback, {
        query: MINT,
        variables: { input: INPUT },
      })
      const [, uid = ''] = /"uid":"(\w+)"/.exec(minted.text) ?? []
      // The gateway caches the storage usage for ten seconds.
      setup.clock.advance(11)
      mints.blockAfter(0)
      isBroken = true
      const others = Array.from({ length: MAX_CONCURRENT_OPERATIONS - 1 }, () =>
        setup.gateway.fetch(
          new Request(`${setup.fallback}/graphql`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ query: '{ storageUsage { videoCount } }' }),
          }),
        ),
      )
      await until(() => mints.waiting() > 0)
      // The other operations share one request to Stream. All of them have started a few ticks later.
      await ticks(100)
      responses.push(await sendOperation(url, { ...operation, variables: { uid } }))
      mints.release()
      await Promise.all(others)
      mints.blockAfter(Infinity)
      isBroken = false
    }
    const [fast, fallback] = responses.map(withoutGeneratedIds)
    expect(fast).toEqual(fallback)
  })
})

describe('a mutation that runs longer than the timeout', () => {
  it.each(['application/json', 'application/graphql-response+json'])(
    'gets TIMEOUT, and starts no further field after it, for %s',
    async (accept) => {
      const responses: object[] = []
      for (const path of ['fast', 'fallback'] as const) {
        const mints = blockingMints()
        const setup = await createSetup({ auth: OPEN, stream: mints.stream })
        const operation = { query: THREE, variables: { input: INPUT }, headers: { accept } }
        await warmUp(setup, operation)
        mints.blockAfter(1)
        const response = sendOperation(setup[path], operation)
        await until(() => mints.minted() === 2)
        setup.clock.advance(OPERATION_TIMEOUT_MS / 1000 + 1)
        // The fast path responds immediately; Yoga responds when the running field has completed.
        if (path === 'fast') await response
        mints.release()
        responses.push(withoutGeneratedIds(await response))
        await waitUntilIdle(setup)
        expect(mints.minted()).toBe(2)
      }
      expect(responses[0]).toEqual(responses[1])
    },
  )

  it('starts no further field after a bail-out either', async () => {
    let failures = 0
    const mints = blockingMints()
    const setup = await createSetup({
      auth: OPEN,
      store: withFailingHistories(() => {
        failures -= 1
        return failures >= 0
      }),
      stream: mints.stream,
    })
    const query = `mutation ($input: CreateDirectUploadInput!) {
      one: createDirectUpload(input: $input) { ... on CreateDirectUploadSuccess { upload { uid name history { at } } } }
      two: createDirectUpload(input: $input) { __typename }
      three: createDirectUpload(input: $input) { __typename }
    }`
    const operation = { query, variables: { input: INPUT } }
    await warmUp(setup, operation)
    // The history fails on the fast path, and not on the fallback.
    failures = 1
    mints.blockAfter(0)
    const response = sendOperation(setup.fast, operation)
    await until(() => mints.waiting() === 1)
    setup.clock.advance(20)
    mints.release()
    await until(() => mints.waiting() === 1)
    setup.clock.advance(OPERATION_TIMEOUT_MS / 1000 - 19)
    expect((await response).text).toContain('TIMEOUT')
    mints.release()
    await waitUntilIdle(setup)
    expect(mints.minted()).toBe(2)
  })
})

/** Sends further operations, during which all that was started completes. */
async function waitUntilIdle(setup: Setup): Promise<void> {
  for (let round = 0; round < 5; round += 1)
    await sendOperation(setup.fallback, { query: '{ uploads { totalCount } }' })
}
