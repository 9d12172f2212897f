/** Subscriptions receive equal results from both paths, over server-sent events and WebSockets. */
import { describe, expect, it } from 'vitest'
import { noopTelemetry } from '../../src/telemetry/noop-telemetry.ts'
import { MAX_SUBSCRIPTIONS_PER_CALLER } from '../../src/uploads/ports/watch-registry.ts'
import { createSetup } from './setup.ts'
import { type UploadChange, createTestUpload } from './upload-histories.ts'
import { WATCH, WATCH_ALL, bodyFor, warmUp, warmUpUpload } from './subscriptions.ts'
import { openSocket, ticks, until, openEventStream } from './subscription-clients.ts'

const OPEN = { kind: 'disabled' } as const

const HISTORIES: readonly (readonly UploadChange[])[] = [
  ['bytes', 'bytes', 'queued', 'encoding', 'encoding', 'ready'],
  ['queued', 'error'],
  ['bytes', 'deleted'],
  ['deleted'],
]

describe('a subscription', () => {
  it.each(HISTORIES)(
    'receives equal results from both paths by server-sent events: %s %s %s %s %s %s',
    async (...steps) => {
      const setup = await createSetup({ auth: OPEN })
      await warmUpUpload(setup)
      const upload = await createTestUpload(setup)
      const fast = openEventStream(setup.fast, bodyFor(upload.uid))
      const fallback = openEventStream(setup.fallback, bodyFor(upload.uid))
      expect(await fast.opened).toEqual(await fallback.opened)
      expect(setup.joinedSubscriptions()).toBe(1)
      for (const step of steps) await upload.record(step)
      await until(() => fast.ended() !== null && fallback.ended() !== null, 'the end')
      expect(fast.results).toEqual(fallback.results)
      expect(fast.ended()).toBe(fallback.ended())
      expect(fast.results).toHaveLength(1 + steps.length)
      // A client that subscribes after the end receives equal results, too.
      const lateFast = openEventStream(setup.fast, bodyFor(upload.uid))
      const lateFallback = openEventStream(setup.fallback, bodyFor(upload.uid))
      await until(
        () => lateFast.ended() !== null && lateFallback.ended() !== null,
        'the end of the late clients',
      )
      expect(lateFast.results).toEqual(lateFallback.results)
      expect(lateFast.results).toEqual(fast.results.slice(-1))
    },
  )

  it.each(HISTORIES)(
    'receives equal results from both paths by WebSocket: %s %s %s %s %s %s',
    async (...steps) => {
      const setup = await createSetup({ auth: OPEN })
      const [fast, fallback] = [await openSocket(setup.fast), await openSocket(setup.fallback)]
      const upload = await createTestUpload(setup)
      const message = {
        id: 'a"\u2028',
        type: 'subscribe',
        payload: { query: WATCH, variables: { uid: upload.uid } },
      }
      for (const id of ['1', '2']) {
        fast.send({ ...message, id })
        await until(
          () => fast.messages.some((text) => text.includes(`"id":"${id}"`)),
          'a warm-up result',
        )
        fast.send({ id, type: 'complete' })
      }
      await until(
        () => setup.dependencies.watchRegistry.watchedUids(setup.clock.now()).size === 0,
        'the end of the watch',
      )
      const before = fast.messages.length
      fast.send(message)
      fallback.send(message)
      await until(
        () => fast.messages.length > before && fallback.messages.length > 0,
        'the first result',
      )
      expect(setup.joinedSubscriptions()).toBe(1)
      for (const step of steps) await upload.record(step)
      await until(() =>
        [fast, fallback].every((client) => client.messages.at(-1)?.includes('complete') === true),
      )
      expect(fast.messages.slice(before)).toEqual(fallback.messages)
    },
  )

  it('to all uploads continues after one of them is ready', async () => {
    const setup = await createSetup({ auth: OPEN })
    const body = JSON.stringify({ query: WATCH_ALL })
    await warmUp(setup, body)
    const fast = openEventStream(setup.fast, body)
    const fallback = openEventStream(setup.fallback, body)
    await Promise.all([fast.opened, fallback.opened])
    expect(setup.joinedSubscriptions()).toBe(1)
    for (let count = 0; count < 3; count += 1) {
      const upload = await createTestUpload(setup)
      await upload.record('queued')
      await upload.record('ready')
    }
    await until(() => fast.results.length === fallback.results.length && fast.results.length >= 9)
    expect(fast.results).toEqual(fallback.results)
    expect(fast.ended()).toBeNull()
    setup.close()
    await until(() => fast.ended() !== null && fallback.ended() !== null)
    expect(fast.results).toEqual(fallback.results)
    expect(fast.ended()).toBe(fallback.ended())
  })

  it('receives equal errors from both paths when a field of an event fails', async () => {
    let isBroken = false
    const outcomes: string[] = []
    const setup = await createSetup({
      auth: OPEN,
      telemetry: {
        ...noopTelemetry,
        operationMeter(kind) {
          const done = (_seconds: number, outcome: string): void => {
            if (kind === 'subscription') outcomes.push(outcome)
          }
          return { done }
        },
      },
      store: (store) => ({
        ...store,
        historyOf: (ids) =>
          isBroken ? Promise.reject(new Error('disk failure')) : store.historyOf(ids),
      }),
    })
    await warmUpUpload(setup)
    const upload = await createTestUpload(setup)
    const clients = [setup.fast, setup.fallback].map((url) =>
      openEventStream(url, bodyFor(upload.uid)),
    )
    await until(() => clients.every(({ results }) => results.length === 1), 'the current state')
    const early = openEventStream(setup.fast, bodyFor(upload.uid))
    await until(() => early.results.length === 1)
    expect(setup.joinedSubscriptions()).toBe(2)
    await until(() => outcomes.length === 2, 'the end of the warm-up')
    early.disconnect()
    await until(() => outcomes.length === 3, 'the early end')
    isBroken = true
    await upload.record('bytes')
    await until(() => clients.every(({ results }) => results.length === 2), 'the failure')
    isBroken = false
    await upload.record('ready')
    await until(() => clients.every((client) => client.ended() !== null), 'the end')
    // Results of a shared subscription contain no request id.
    const [fast, fallback] = clients.map(({ results }) =>
      results.map((text) =>
        text.replaceAll(/request id: [\w-]+/g, '').replaceAll(/"requestId":"[\w-]+"/g, ''),
      ),
    )
    expect(fast).toEqual(fallback)
    expect(fast?.[1]).toContain('INTERNAL_SERVER_ERROR')
    // Only subscriptions that received the error have the outcome `errors`.
    await until(() => outcomes.length === 5, 'both ends')
    expect(outcomes).toEqual(['ok', 'ok', 'ok', 'errors', 'errors'])
  })

  it.each(['1', '', 'x'.repeat(200), 'é'.repeat(62), '💣'.repeat(64)])(
    'with an id in use, %s, closes the socket equally on both paths',
    async (id) => {
      const setup = await createSetup({ auth: OPEN })
      const { uid } = await createTestUpload(setup)
      const [fast, fallback] = [await openSocket(setup.fast), await openSocket(setup.fallback)]
      const payload = { query: WATCH, variables: { uid } }
      for (const warmUpId of ['a', 'b']) {
        fast.send({ id: warmUpId, type: 'subscribe', payload })
        await until(() => fast.messages.some((text) => text.startsWith(`{"id":"${warmUpId}"`)))
      }
      for (const client of [fast, fallback]) {
        client.send({ id, type: 'subscribe', payload }, { id, type: 'subscribe', payload })
        await until(() => client.closed() !== null, 'the close')
      }
      expect(fast.closed()).toBe(fallback.closed())
      await until(
        () => setup.dependencies.watchRegistry.watchedUids(setup.clock.now()).size === 0,
        'the end of the watch',
      )
      expect(setup.errors).toEqual([])
    },
  )

  it('is released when its client disconnects before it opens', async () => {
    const setup = await createSetup({ auth: OPEN })
    await warmUpUpload(setup)
    const { uid } = await createTestUpload(setup)
    for (let count = 0; count < 30; count += 1) {
      const disconnected = openEventStream(setup.fast, bodyFor(uid))
      await ticks(count)
      disconnected.disconnect()
    }
    await ticks(50)
    await until(
      () => setup.dependencies.watchRegistry.watchedUids(setup.clock.now()).size === 0,
      'the end of the watch',
    )
    const subscriptions = Array.from({ length: MAX_SUBSCRIPTIONS_PER_CALLER }, () =>
      setup.dependencies.watchRegistry.openSubscription('local'),
    )
    expect(subscriptions).not.toContain(null)
  })

  it('to an unknown upload is rejected equally by both paths', async () => {
    const setup = await createSetup({ auth: OPEN })
    await warmUpUpload(setup)
    const fast = openEventStream(setup.fast, bodyFor('nobody'))
    const fallback = openEventStream(setup.fallback, bodyFor('nobody'))
    expect(await fast.opened).toEqual(await fallback.opened)
    await until(() => fast.ended() !== null && fallback.ended() !== null)
    expect(fast.results).toEqual(fallback.results)
    expect(fast.results.join()).toContain('UPLOAD_NOT_FOUND')
  })
})
