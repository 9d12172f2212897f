/** A shared subscription with a subscriber whose sink throws: the other subscribers miss nothing. */
import { buildSchema, parse } from 'graphql'
import { describe, expect, it } from 'vitest'
import {
  type SharedSubscription,
  openSharedSubscription,
} from '../../src/http/graphql/fast-path/subscriptions/shared-subscription.ts'
import {
  type EndReason,
  createSubscriber,
} from '../../src/http/graphql/fast-path/subscriptions/subscriber.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { createTestClock } from '../kit/clock.ts'
import { until } from './subscription-clients.ts'

const schema = buildSchema('type Query { none: Int } type Subscription { count: Int }')

const quiet = (): void => undefined
const log: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }

/** An event source that yields an event for each call of `next`. */
function createSource() {
  const waiting: (() => void)[] = []
  let isOver = false
  async function* events(): AsyncGenerator<{ count: number }, void, void> {
    for (let count = 1; ; count += 1) {
      await new Promise<void>((resolve) => void waiting.push(resolve))
      if (isOver) return
      yield { count }
    }
  }
  async function next(): Promise<void> {
    await until(() => waiting.length > 0)
    waiting.shift()?.()
  }
  return {
    events,
    next,
    finish: async () => {
      isOver = true
      await next()
    },
  }
}

async function open() {
  const { events, next, finish } = createSource()
  const errors: object[] = []
  const sharedSubscription = await openSharedSubscription(
    {
      args: {
        schema,
        document: parse('subscription { count }'),
        rootValue: { count: () => events() },
      },
      startsWithCurrentState: true,
      write: (event) => ({ text: JSON.stringify(event), hasErrors: false }),
      clock: createTestClock(),
      log: { ...log, error: (fields) => errors.push(fields) },
      isInterrupted: () => false,
    },
    quiet,
  )
  if (sharedSubscription === null) throw new Error('The subscription did not open.')
  return { sharedSubscription, next, finish, errors }
}

/** @param isBroken whether the sink throws */
function join(sharedSubscription: SharedSubscription, isBroken: () => boolean = () => false) {
  const received: string[] = []
  const endings: EndReason[] = []
  const subscriber = createSubscriber(log, {
    isWritable: () => true,
    wait: () => expect.unreachable('The sink is always writable.'),
    send(event) {
      if (isBroken()) throw new Error('the sink failed')
      received.push(event.text)
    },
    end(ending) {
      if (isBroken()) throw new Error('the sink failed')
      endings.push(ending)
    },
  })
  expect(sharedSubscription.join(subscriber)).toBe(true)
  return { received, endings, subscriber }
}

describe('a shared subscription', () => {
  it('delivers each event to the other subscribers when one sink throws', async () => {
    const { sharedSubscription, next, errors } = await open()
    let isBroken = false
    const before = join(sharedSubscription)
    const broken = join(sharedSubscription, () => isBroken)
    const once = join(
      sharedSubscription,
      (() => {
        let times = 0
        return () => isBroken && (times += 1) === 1
      })(),
    )
    const after = join(sharedSubscription)
    await next()
    await until(() => after.received.length === 1)
    isBroken = true
    await next()
    await until(() => after.received.length === 2, 'the second event')
    await next()
    await until(() => after.received.length === 3, 'the third event')
    // A subscriber that joins later with a sink that throws does not end it either.
    join(sharedSubscription, () => true)
    await next()
    await until(() => after.received.length === 4, 'the fourth event')

    for (const { received, endings } of [before, after]) {
      expect(received).toEqual([1, 2, 3, 4].map((count) => JSON.stringify({ count })))
      expect(endings).toEqual([])
    }
    expect(broken.received).toEqual(['{"count":1}'])
    // This subscriber receives the result of an unexpected error, and the completion.
    expect(once.received).toHaveLength(2)
    const [requestId] = /"requestId":"([\w-]+)"/.exec(once.received[1] ?? '')?.slice(1) ?? []
    expect(once.received[1]).not.toContain('the sink failed')
    expect(once.endings).toEqual(['complete'])
    expect(errors).toContainEqual({
      requestId,
      err: expect.objectContaining({ message: 'the sink failed' }),
    })
    for (const { subscriber } of [before, broken, once, after]) sharedSubscription.leave(subscriber)
  })

  it('completes for the other subscribers when one sink throws', async () => {
    const { sharedSubscription, next, finish } = await open()
    let isBroken = false
    join(sharedSubscription, () => isBroken)
    const other = join(sharedSubscription)
    await next()
    await until(() => other.received.length === 1)
    isBroken = true
    await finish()
    await until(() => other.endings.length > 0, 'the end')
    expect(other.endings).toEqual(['complete'])
  })
})
