/** An audience of which one member's line breaks: the others miss nothing. */
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
import { createTestClock } from '../kit/clock.ts'
import { until } from './subscription-clients.ts'

const schema = buildSchema('type Query { none: Int } type Subscription { count: Int }')

const quiet = (): void => undefined

/** Events that come when the test says so. */
function source() {
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
  const { events, next, finish } = source()
  const errors: object[] = []
  const sharedSubscription = await openSharedSubscription(
    {
      args: {
        schema,
        document: parse('subscription { count }'),
        rootValue: { count: () => events() },
      },
      presentFirst: true,
      write: (event) => ({ text: JSON.stringify(event), hasErrors: false }),
      clock: createTestClock(),
      log: { debug: quiet, info: quiet, warn: quiet, error: (fields) => errors.push(fields) },
      closing: new AbortController().signal,
    },
    quiet,
  )
  if (sharedSubscription === null) throw new Error('There is nothing to watch.')
  return { audience: sharedSubscription, next, finish, errors }
}

/** @param isBroken whether its line takes nothing */
function join(sharedSubscription: SharedSubscription, isBroken: () => boolean = () => false) {
  const told: string[] = []
  const endings: EndReason[] = []
  const subscriber = createSubscriber({
    isWritable: () => true,
    send(frame) {
      if (isBroken()) throw new Error('the line broke')
      told.push(frame.text)
    },
    end(ending) {
      if (isBroken()) throw new Error('the line broke')
      endings.push(ending)
    },
  })
  expect(sharedSubscription.join(subscriber)).toBe(true)
  return { told, endings, subscriber }
}

describe('an audience', () => {
  it('shows everybody else what one of them cannot be shown', async () => {
    const { audience: sharedSubscription, next, errors } = await open()
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
    await until(() => after.told.length === 1)
    isBroken = true
    await next()
    await until(() => after.told.length === 2, 'the second event')
    await next()
    await until(() => after.told.length === 3, 'the third event')
    // Who comes later, to a line that takes nothing, ends it for nobody either.
    join(sharedSubscription, () => true)
    await next()
    await until(() => after.told.length === 4, 'the fourth event')

    for (const { told, endings } of [before, after]) {
      expect(told).toEqual([1, 2, 3, 4].map((count) => JSON.stringify({ count })))
      expect(endings).toEqual([])
    }
    expect(broken.told).toEqual(['{"count":1}'])
    // It is told what anybody is told of what nobody expected, and that it is over.
    expect(once.told).toHaveLength(2)
    const [said] = /"requestId":"([\w-]+)"/.exec(once.told[1] ?? '')?.slice(1) ?? []
    expect(once.told[1]).not.toContain('the line broke')
    expect(once.endings).toEqual(['complete'])
    expect(errors).toContainEqual({
      requestId: said,
      err: expect.objectContaining({ message: 'the line broke' }),
    })
    for (const { subscriber } of [before, broken, once, after]) sharedSubscription.leave(subscriber)
  })

  it('ends for all of them, whoever cannot be told', async () => {
    const { audience: sharedSubscription, next, finish } = await open()
    let isBroken = false
    join(sharedSubscription, () => isBroken)
    const other = join(sharedSubscription)
    await next()
    await until(() => other.told.length === 1)
    isBroken = true
    await finish()
    await until(() => other.endings.length > 0, 'the end')
    expect(other.endings).toEqual(['complete'])
  })
})
