/** Whether Stream answers lately: by the real adapter, against an emulator that can be made to fail. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { createMemoryRateLimiter } from '../../src/rate-limits/memory-rate-limiter.ts'
import { createUndiciTransport } from '../../src/node/undici-transport.ts'
import { createApiBudget } from '../../src/stream/decorators/api-budget.ts'
import { withBudget } from '../../src/stream/decorators/with-budget.ts'
import { withAvailability } from '../../src/stream/decorators/with-availability.ts'
import { createRestStreamApi } from '../../src/stream/rest/rest-stream-api.ts'
import { uploadParamsFor } from '../contracts/stream-suite.ts'
import { type PlannedFault, startTestEmulator } from '../kit/emulator.ts'

const away = { isUnavailable: true }
const there = { isUnavailable: false }

type Trouble = Omit<PlannedFault, 'on'>

async function start(apiToken?: string) {
  const emulator = await startTestEmulator()
  const pooled = createUndiciTransport()
  onTestFinished(() => pooled.close())
  let time = Date.UTC(2026, 0, 1)
  let set = 0
  const now = () => new Date(time + set)
  const monotonicMs = () => time
  const { backend, current, probe } = withAvailability(
    createRestStreamApi({
      accountId: emulator.accountId,
      apiToken: apiToken ?? emulator.token,
      baseUrl: emulator.apiBaseUrl,
      send: pooled.send,
    }),
    { now, monotonicMs },
  )
  const budget = createApiBudget(createMemoryRateLimiter(monotonicMs), 10, monotonicMs)
  const through = withBudget(backend, budget, 'sync')

  /** A call that fails in this way. */
  async function fail(trouble: Trouble = { status: 503 }) {
    await emulator.fault({ on: 'list', ...trouble })
    await expect(backend.listVideos({ limit: 1 })).rejects.toHaveProperty('kind')
  }

  function advance(seconds: number): void {
    time += seconds * 1000
  }

  /** The time of day alone is set. */
  function setClock(seconds: number): void {
    set += seconds * 1000
  }

  /** Calls fail for as long as it takes. */
  async function goAway(): Promise<void> {
    await fail()
    advance(15)
    await fail()
    expect(current()).toMatchObject(away)
  }

  /** Lists that Stream was asked for, whatever it answered. */
  async function lists(): Promise<number> {
    return (await emulator.state()).requests['list'] ?? 0
  }

  const ask = () => probe(through)
  return {
    emulator,
    backend,
    budget,
    lately: current,
    now,
    advance,
    setClock,
    fail,
    goAway,
    lists,
    probe: ask,
  }
}

describe('Stream', () => {
  test('are told apart by what passes, though the time of day is set', async () => {
    const { fail, lately, advance, setClock } = await start()
    await fail()
    setClock(7200)
    await fail()
    expect(lately()).toMatchObject(there)
    advance(15)
    setClock(-14_400)
    await fail()
    expect(lately()).toMatchObject(away)
  })

  test('counts as there before anything was asked, and is not asked for that', async () => {
    const { lately, probe, lists } = await start()
    expect(lately()).toEqual({ answeredAt: null, failingSince: null, isUnavailable: false })
    await probe()
    expect(await lists()).toBe(0)
  })

  test('has answered when it has', async () => {
    const { backend, lately, now, advance } = await start()
    await backend.createDirectUpload(uploadParamsFor('user-1'))
    const answeredAt = now()
    advance(60)
    expect(lately()).toEqual({ answeredAt, failingSince: null, isUnavailable: false })
  })

  test('is not away by one lost answer, however long nobody asks again', async () => {
    const { fail, lately, now, advance } = await start()
    const failingSince = now()
    await fail({ hangUp: true })
    advance(3600)
    expect(lately()).toEqual({ answeredAt: null, failingSince, isUnavailable: false })
  })

  test.each<[string, Trouble]>([
    ['no answer', { hangUp: true }],
    ['503', { status: 503 }],
    ['500', { status: 500 }],
  ])(
    'is away after 15 seconds of %s, and there again with the first answer',
    async (_name, trouble) => {
      const { fail, backend, lately, now, advance } = await start()
      await backend.listVideos({ limit: 1 })
      const answeredAt = now()
      advance(1)
      const failingSince = now()
      for (const seconds of [0, 5, 9]) {
        advance(seconds)
        await fail(trouble)
        expect(lately()).toEqual({ answeredAt, failingSince, isUnavailable: false })
      }
      advance(1)
      await fail(trouble)
      expect(lately()).toEqual({ answeredAt, failingSince, isUnavailable: true })
      advance(100)
      expect(lately()).toMatchObject(away)

      await backend.listVideos({ limit: 1 })
      expect(lately()).toEqual({ answeredAt: now(), failingSince: null, isUnavailable: false })
      await fail(trouble)
      advance(14)
      await fail(trouble)
      expect(lately()).toMatchObject(there)
    },
  )

  test.each<[string, Trouble]>([
    ['429', { status: 429, retryAfterSeconds: 60 }],
    ['400', { status: 400 }],
  ])('has answered with a %s', async (_name, trouble) => {
    const { fail, goAway, lately, now } = await start()
    await goAway()
    await fail(trouble)
    expect(lately()).toEqual({ answeredAt: now(), failingSince: null, isUnavailable: false })
  })

  test('that does not accept the token is as good as away', async () => {
    const { backend, lately, advance } = await start('another-token')
    for (const seconds of [0, 15]) {
      advance(seconds)
      await expect(backend.listVideos({})).rejects.toMatchObject({ kind: 'unauthorized' })
    }
    expect(lately()).toMatchObject(away)
  })

  test('has said nothing by what never left', async () => {
    const { goAway, backend, lately } = await start()
    await goAway()
    const before = lately()
    const tus = { ...uploadParamsFor('Zoë'), sizeBytes: 1 }
    const never = { kind: 'invalid', status: null }
    await expect(backend.createTusUpload(tus)).rejects.toMatchObject(never)
    await expect(backend.listVideos({ state: 'unknown' })).rejects.toThrow(RangeError)
    const reason = new Error('the caller is gone')
    await expect(backend.listVideos({}, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(lately()).toEqual(before)
  })

  test('is not judged by its upload host', async () => {
    const { goAway, backend, lately } = await start()
    const order = { ...uploadParamsFor('user-1'), sizeBytes: 1000 }
    const { uploadURL } = await backend.createTusUpload(order)
    await goAway()
    const before = lately()
    expect(await backend.readTusOffset(uploadURL)).toMatchObject({ receivedBytes: 0 })
    expect(lately()).toEqual(before)
  })
})

describe('a probe', () => {
  test('brings Stream back without traffic, and asks every 5 seconds at most', async () => {
    const { emulator, goAway, probe, lately, advance, lists, now } = await start()
    await goAway()
    await emulator.fault({ on: 'list', times: 2, status: 503 })
    const before = await lists()
    for (const seconds of [0, 1, 3.9, 0.1, 4.9]) {
      advance(seconds)
      await Promise.all([probe(), probe()])
    }
    expect(lately()).toMatchObject(away)
    expect((await lists()) - before).toBe(2)

    advance(0.1)
    await probe()
    expect(lately()).toEqual({ answeredAt: now(), failingSince: null, isUnavailable: false })
    advance(60)
    await probe()
    expect((await lists()) - before).toBe(3)
  })

  test('tells a lost answer from an outage before that is called one', async () => {
    const { emulator, fail, probe, lately, advance } = await start()
    await fail()
    advance(5)
    await probe()
    expect(lately()).toMatchObject({ ...there, failingSince: null })

    await emulator.fault({ on: 'list', times: 100, hangUp: true })
    await fail()
    for (const state of [there, there, away]) {
      advance(5)
      await probe()
      expect(lately()).toMatchObject(state)
    }
  })

  test('costs the budget what synchronisation may take, and fails quietly without it', async () => {
    const { goAway, budget, probe, lately, lists } = await start()
    await goAway()
    while ((await budget.consume('sync')) === null)
      expect(await budget.remaining()).toBeGreaterThan(0)
    const before = { lately: lately(), left: await budget.remaining(), lists: await lists() }
    await probe()
    expect({ lately: lately(), left: await budget.remaining(), lists: await lists() }).toEqual(
      before,
    )
  })

  test('is counted', async () => {
    const { goAway, budget, probe, lately } = await start()
    await goAway()
    expect(await budget.remaining()).toBe(10)
    await probe()
    expect(await budget.remaining()).toBe(9)
    expect(lately()).toMatchObject(there)
  })
})
