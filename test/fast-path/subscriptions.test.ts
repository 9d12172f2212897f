/** Subscriptions both ways: the same story is told with the same words, by whatever carries it. */
import { describe, expect, it } from 'vitest'
import { noopTelemetry } from '../../src/telemetry/noop-telemetry.ts'
import { MAX_SUBSCRIPTIONS_PER_CALLER } from '../../src/uploads/ports/watch-registry.ts'
import { setSetup } from './setup.ts'
import { type Step, beginStory } from './upload-histories.ts'
import { WATCH, WATCH_ALL, bodyFor, teach, teachUpload } from './subscriptions.ts'
import { openLine, turns, until, watchByEvents } from './subscription-clients.ts'

const OPEN = { kind: 'disabled' } as const

const STORIES: readonly (readonly Step[])[] = [
  ['bytes', 'bytes', 'queued', 'encoding', 'encoding', 'ready'],
  ['queued', 'error'],
  ['bytes', 'deleted'],
  ['deleted'],
]

describe('the same story', () => {
  it.each(STORIES)('is told the same by events: %s %s %s %s %s %s', async (...steps) => {
    const setup = await setSetup({ auth: OPEN })
    await teachUpload(setup)
    const story = await beginStory(setup)
    const fast = watchByEvents(setup.fast, bodyFor(story.uid))
    const long = watchByEvents(setup.long, bodyFor(story.uid))
    expect(await fast.opened).toEqual(await long.opened)
    expect(setup.seated()).toBe(1)
    for (const step of steps) await story.tell(step)
    await until(() => fast.ended() !== null && long.ended() !== null, 'the end')
    expect(fast.results).toEqual(long.results)
    expect(fast.ended()).toBe(long.ended())
    expect(fast.results).toHaveLength(1 + steps.length)
    // And to whoever comes after the end.
    const late = watchByEvents(setup.fast, bodyFor(story.uid))
    const lateLong = watchByEvents(setup.long, bodyFor(story.uid))
    await until(() => late.ended() !== null && lateLong.ended() !== null, 'the late end')
    expect(late.results).toEqual(lateLong.results)
    expect(late.results).toEqual(fast.results.slice(-1))
  })

  it.each(STORIES)('is told the same by a socket: %s %s %s %s %s %s', async (...steps) => {
    const setup = await setSetup({ auth: OPEN })
    const [fast, long] = [await openLine(setup.fast), await openLine(setup.long)]
    const story = await beginStory(setup)
    const message = {
      id: 'a"\u2028',
      type: 'subscribe',
      payload: { query: WATCH, variables: { uid: story.uid } },
    }
    for (const id of ['1', '2']) {
      fast.send({ ...message, id })
      await until(() => fast.messages.some((text) => text.includes(`"id":"${id}"`)), 'a lesson')
      fast.send({ id, type: 'complete' })
    }
    await until(() => setup.parts.watchers.watchedUids(setup.clock.now()).size === 0, 'leaving')
    const before = fast.messages.length
    fast.send(message)
    long.send(message)
    await until(() => fast.messages.length > before && long.messages.length > 0, 'the first')
    expect(setup.seated()).toBe(1)
    for (const step of steps) await story.tell(step)
    await until(() =>
      [fast, long].every((line) => line.messages.at(-1)?.includes('complete') === true),
    )
    expect(fast.messages.slice(before)).toEqual(long.messages)
  })

  it('is told of all uploads, and ends for nobody with one of them', async () => {
    const setup = await setSetup({ auth: OPEN })
    const body = JSON.stringify({ query: WATCH_ALL })
    await teach(setup, body)
    const fast = watchByEvents(setup.fast, body)
    const long = watchByEvents(setup.long, body)
    await Promise.all([fast.opened, long.opened])
    expect(setup.seated()).toBe(1)
    for (let count = 0; count < 3; count += 1) {
      const story = await beginStory(setup)
      await story.tell('queued')
      await story.tell('ready')
    }
    await until(() => fast.results.length === long.results.length && fast.results.length >= 9)
    expect(fast.results).toEqual(long.results)
    expect(fast.ended()).toBeNull()
    setup.close()
    await until(() => fast.ended() !== null && long.ended() !== null)
    expect(fast.results).toEqual(long.results)
    expect(fast.ended()).toBe(long.ended())
  })

  it('fails the same where an event cannot be told whole', async () => {
    let isBroken = false
    const outcomes: string[] = []
    const setup = await setSetup({
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
          isBroken ? Promise.reject(new Error('the disk is gone')) : store.historyOf(ids),
      }),
    })
    await teachUpload(setup)
    const story = await beginStory(setup)
    const watching = [setup.fast, setup.long].map((url) => watchByEvents(url, bodyFor(story.uid)))
    await until(() => watching.every(({ results }) => results.length === 1), 'the present state')
    const early = watchByEvents(setup.fast, bodyFor(story.uid))
    await until(() => early.results.length === 1)
    expect(setup.seated()).toBe(2)
    await until(() => outcomes.length === 2, 'the end of the lessons')
    early.leave()
    await until(() => outcomes.length === 3, 'the early end')
    isBroken = true
    await story.tell('bytes')
    await until(() => watching.every(({ results }) => results.length === 2), 'the failure')
    isBroken = false
    await story.tell('ready')
    await until(() => watching.every((one) => one.ended() !== null), 'the end')
    // What is told to many bears no request's id.
    const [fast, long] = watching.map(({ results }) =>
      results.map((text) =>
        text.replaceAll(/request id: [\w-]+/g, '').replaceAll(/"requestId":"[\w-]+"/g, ''),
      ),
    )
    expect(fast).toEqual(long)
    expect(fast?.[1]).toContain('INTERNAL_SERVER_ERROR')
    // Whoever was told of it had errors, and nobody else.
    await until(() => outcomes.length === 5, 'both ends')
    expect(outcomes).toEqual(['ok', 'ok', 'ok', 'errors', 'errors'])
  })

  it.each(['1', '', 'x'.repeat(200), 'é'.repeat(62), '💣'.repeat(64)])(
    'twice by one id %s is refused the same at a socket',
    async (id) => {
      const setup = await setSetup({ auth: OPEN })
      const { uid } = await beginStory(setup)
      const [fast, long] = [await openLine(setup.fast), await openLine(setup.long)]
      const payload = { query: WATCH, variables: { uid } }
      for (const lesson of ['a', 'b']) {
        fast.send({ id: lesson, type: 'subscribe', payload })
        await until(() => fast.messages.some((text) => text.startsWith(`{"id":"${lesson}"`)))
      }
      for (const line of [fast, long]) {
        line.send({ id, type: 'subscribe', payload }, { id, type: 'subscribe', payload })
        await until(() => line.closed() !== null, 'the close')
      }
      expect(fast.closed()).toBe(long.closed())
      await until(() => setup.parts.watchers.watchedUids(setup.clock.now()).size === 0, 'leaving')
      expect(setup.errors).toEqual([])
    },
  )

  it('is watched by nobody who has gone before it began', async () => {
    const setup = await setSetup({ auth: OPEN })
    await teachUpload(setup)
    const { uid } = await beginStory(setup)
    for (let count = 0; count < 30; count += 1) {
      const gone = watchByEvents(setup.fast, bodyFor(uid))
      await turns(count)
      gone.leave()
    }
    await turns(50)
    await until(
      () => setup.parts.watchers.watchedUids(setup.clock.now()).size === 0,
      'being forgotten',
    )
    const room = Array.from({ length: MAX_SUBSCRIPTIONS_PER_CALLER }, () =>
      setup.parts.watchers.openSubscription('local'),
    )
    expect(room).not.toContain(null)
  })

  it('is refused the same where there is none', async () => {
    const setup = await setSetup({ auth: OPEN })
    await teachUpload(setup)
    const fast = watchByEvents(setup.fast, bodyFor('nobody'))
    const long = watchByEvents(setup.long, bodyFor('nobody'))
    expect(await fast.opened).toEqual(await long.opened)
    await until(() => fast.ended() !== null && long.ended() !== null)
    expect(fast.results).toEqual(long.results)
    expect(fast.results.join()).toContain('UPLOAD_NOT_FOUND')
  })
})
