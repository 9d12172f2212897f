/** The availability of Stream, with the real adapter against an emulator with planned faults. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { createMemoryRateLimiter } from '../../src/rate-limits/memory-rate-limiter.ts'
import { createUndiciTransport } from '../../src/node/undici-transport.ts'
import { createApiBudget } from '../../src/stream/decorators/api-budget.ts'
import { withBudget } from '../../src/stream/decorators/with-budget.ts'
import { withAvailability } from '../../src/stream/decorators/with-availability.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { uploadParamsFor } from '../contracts/stream-suite.ts'
import { type PlannedFault, startTestEmulator } from '../kit/emulator.ts'

const unavailable = { isUnavailable: true }
const available = { isUnavailable: false }

type Fault = Omit<PlannedFault, 'on'>

async function start(apiToken?: string) {
  const emulator = await startTestEmulator()
  const pooled = createUndiciTransport()
  onTestFinished(() => pooled.close())
  let time = Date.UTC(2026, 0, 1)
  let clockOffsetMs = 0
  const now = () => new Date(time + clockOffsetMs)
  const monotonicMs = () => time
  const { streamApi, current, probe } = withAvailability(
    createRestStreamApi({
      accountId: emulator.accountId,
      apiToken: apiToken ?? emulator.token,
      baseUrl: emulator.apiBaseUrl,
      send: pooled.send,
    }),
    { now, monotonicMs },
  )
  const budget = createApiBudget(createMemoryRateLimiter(monotonicMs), 10, monotonicMs)
  const budgeted = withBudget(streamApi, budget, 'sync')

  /** Sends a call that fails with the fault. */
  async function fail(fault: Fault = { status: 503 }) {
    await emulator.fault({ on: 'list', ...fault })
    await expect(streamApi.listVideos({ limit: 1 })).rejects.toHaveProperty('kind')
  }

  function advance(seconds: number): void {
    time += seconds * 1000
  }

  /** Changes the time of day, not the monotonic clock. */
  function setClock(seconds: number): void {
    clockOffsetMs += seconds * 1000
  }

  /** Sends failing calls until Stream is unavailable. */
  async function becomeUnavailable(): Promise<void> {
    await fail()
    advance(15)
    await fail()
    expect(current()).toMatchObject(unavailable)
  }

  /** Returns the number of list requests that Stream received. */
  async function listRequests(): Promise<number> {
    return (await emulator.state()).requests['list'] ?? 0
  }

  const sendProbe = () => probe(budgeted)
  return {
    emulator,
    backend: streamApi,
    budget,
    current,
    now,
    advance,
    setClock,
    fail,
    becomeUnavailable,
    listRequests,
    probe: sendProbe,
  }
}

describe('Stream', () => {
  test('becomes unavailable by the monotonic clock, not by the time of day', async () => {
    const { fail, current, advance, setClock } = await start()
    await fail()
    setClock(7200)
    await fail()
    expect(current()).toMatchObject(available)
    advance(15)
    setClock(-14_400)
    await fail()
    expect(current()).toMatchObject(unavailable)
  })

  test('is available before the first request, and the probe sends none', async () => {
    const { current, probe, listRequests } = await start()
    expect(current()).toEqual({ respondedAt: null, failingSince: null, isUnavailable: false })
    await probe()
    expect(await listRequests()).toBe(0)
  })

  test('has the time of the last response in respondedAt', async () => {
    const { backend, current, now, advance } = await start()
    await backend.createDirectUpload(uploadParamsFor('user-1'))
    const respondedAt = now()
    advance(60)
    expect(current()).toEqual({ respondedAt, failingSince: null, isUnavailable: false })
  })

  test('stays available after one lost response without further requests', async () => {
    const { fail, current, now, advance } = await start()
    const failingSince = now()
    await fail({ hangUp: true })
    advance(3600)
    expect(current()).toEqual({ respondedAt: null, failingSince, isUnavailable: false })
  })

  test.each<[string, Fault]>([
    ['no response', { hangUp: true }],
    ['503', { status: 503 }],
    ['500', { status: 500 }],
  ])(
    'is unavailable after 15 seconds of %s, and available after the first response',
    async (_name, fault) => {
      const { fail, backend, current, now, advance } = await start()
      await backend.listVideos({ limit: 1 })
      const respondedAt = now()
      advance(1)
      const failingSince = now()
      for (const seconds of [0, 5, 9]) {
        advance(seconds)
        await fail(fault)
        expect(current()).toEqual({ respondedAt, failingSince, isUnavailable: false })
      }
      advance(1)
      await fail(fault)
      expect(current()).toEqual({ respondedAt, failingSince, isUnavailable: true })
      advance(100)
      expect(current()).toMatchObject(unavailable)

      await backend.listVideos({ limit: 1 })
      expect(current()).toEqual({ respondedAt: now(), failingSince: null, isUnavailable: false })
      await fail(fault)
      advance(14)
      await fail(fault)
      expect(current()).toMatchObject(available)
    },
  )

  test.each<[string, Fault]>([
    ['429', { status: 429, retryAfterSeconds: 60 }],
    ['400', { status: 400 }],
  ])('is available after a %s', async (_name, fault) => {
    const { fail, becomeUnavailable, current, now } = await start()
    await becomeUnavailable()
    await fail(fault)
    expect(current()).toEqual({ respondedAt: now(), failingSince: null, isUnavailable: false })
  })

  test('is unavailable when it rejects the token for 15 seconds', async () => {
    const { backend, current, advance } = await start('another-token')
    for (const seconds of [0, 15]) {
      advance(seconds)
      await expect(backend.listVideos({})).rejects.toMatchObject({ kind: 'unauthorized' })
    }
    expect(current()).toMatchObject(unavailable)
  })

  test('ignores calls that sent no request', async () => {
    const { becomeUnavailable, backend, current } = await start()
    await becomeUnavailable()
    const before = current()
    const tus = { ...uploadParamsFor('Zoë'), sizeBytes: 1 }
    const expected = { kind: 'invalid', status: null }
    await expect(backend.createTusUpload(tus)).rejects.toMatchObject(expected)
    await expect(backend.listVideos({ state: 'unknown' })).rejects.toThrow(RangeError)
    const reason = new Error('aborted by the caller')
    await expect(backend.listVideos({}, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(current()).toEqual(before)
  })

  test('ignores responses of the upload host', async () => {
    const { becomeUnavailable, backend, current } = await start()
    const params = { ...uploadParamsFor('user-1'), sizeBytes: 1000 }
    const { uploadURL } = await backend.createTusUpload(params)
    await becomeUnavailable()
    const before = current()
    expect(await backend.readTusOffset(uploadURL)).toMatchObject({ receivedBytes: 0 })
    expect(current()).toEqual(before)
  })
})

describe('a probe', () => {
  test('makes Stream available without other traffic, and sends a request every 5 seconds at most', async () => {
    const { emulator, becomeUnavailable, probe, current, advance, listRequests, now } =
      await start()
    await becomeUnavailable()
    await emulator.fault({ on: 'list', times: 2, status: 503 })
    const before = await listRequests()
    for (const seconds of [0, 1, 3.9, 0.1, 4.9]) {
      advance(seconds)
      await Promise.all([probe(), probe()])
    }
    expect(current()).toMatchObject(unavailable)
    expect((await listRequests()) - before).toBe(2)

    advance(0.1)
    await probe()
    expect(current()).toEqual({ respondedAt: now(), failingSince: null, isUnavailable: false })
    advance(60)
    await probe()
    expect((await listRequests()) - before).toBe(3)
  })

  test('clears failingSince after one lost response, and reports an outage after 15 seconds', async () => {
    const { emulator, fail, probe, current, advance } = await start()
    await fail()
    advance(5)
    await probe()
    expect(current()).toMatchObject({ ...available, failingSince: null })

    await emulator.fault({ on: 'list', times: 100, hangUp: true })
    await fail()
    for (const state of [available, available, unavailable]) {
      advance(5)
      await probe()
      expect(current()).toMatchObject(state)
    }
  })

  test('uses the sync budget, and sends no request when it is exhausted', async () => {
    const { becomeUnavailable, budget, probe, current, listRequests } = await start()
    await becomeUnavailable()
    while ((await budget.consume('sync')) === null)
      expect(await budget.remaining()).toBeGreaterThan(0)
    const before = {
      current: current(),
      left: await budget.remaining(),
      listRequests: await listRequests(),
    }
    await probe()
    expect({
      current: current(),
      left: await budget.remaining(),
      listRequests: await listRequests(),
    }).toEqual(before)
  })

  test('consumes one request of the budget', async () => {
    const { becomeUnavailable, budget, probe, current } = await start()
    await becomeUnavailable()
    expect(await budget.remaining()).toBe(10)
    await probe()
    expect(await budget.remaining()).toBe(9)
    expect(current()).toMatchObject(available)
  })
})
