/** Delivery of changes within a time budget per tick: the contract of the port, and a simulated event loop. */
import { expect, it } from 'vitest'
import { createScheduling } from '../../src/node/server/accept-priority.ts'
import { withDeliveryBudget } from '../../src/node/with-delivery-budget.ts'
import { createMemoryPubSub } from '../../src/pubsub/memory-pubsub.ts'
import type { UploadPubSub } from '../../src/uploads/ports/upload-pubsub.ts'
import { describeUploadPubSub } from '../contracts/upload-pubsub.ts'
import { uploadOf } from '../kit/samples.ts'

/** @param costMs the time that each delivery takes */
function simulate(costMs: number, source: UploadPubSub = createMemoryPubSub()) {
  let now = 0
  let tick = 0
  let due: (() => void)[] = []
  let callbacks = 0
  const deliveries: { readonly name: string; readonly tick: number }[] = []
  const pubsub = withDeliveryBudget(
    source,
    createScheduling({ now: () => now, later: (run) => void due.push(run) }),
  )
  return {
    pubsub,
    deliveries,
    callbacks: () => callbacks,
    subscribe: (name: string, creator: string, onLost?: () => void) =>
      pubsub.subscribe(
        { of: 'creator', creator },
        ({ version }) => {
          now += costMs
          deliveries.push({ name: `${name}${version}`, tick })
        },
        onLost,
      ),
    runUntilIdle: (): void => {
      while (due.length > 0) {
        tick += 1
        const current = due
        due = []
        callbacks += current.length
        for (const run of current) run()
      }
    },
  }
}

describeUploadPubSub('memory with a delivery budget', async () => {
  const { pubsub, runUntilIdle } = simulate(1)
  // More than 32 changes that wait are coalesced: deliver each before the next.
  return { pubsub, record: async () => undefined, delivered: async () => runUntilIdle() }
})

it('delivers a change to 990 listeners of one creator a few milliseconds per tick', () => {
  const { pubsub, deliveries, subscribe, runUntilIdle } = simulate(3)
  for (let index = 0; index < 990; index += 1) subscribe(`${index}:`, 'mallory')
  pubsub.publish(uploadOf({ creator: 'mallory' }))
  expect(deliveries).toEqual([])
  runUntilIdle()
  expect(deliveries).toHaveLength(990)
  // Two deliveries of 3 ms reach the budget of 4 ms.
  expect(new Set(deliveries.map((delivery) => delivery.tick)).size).toBe(495)
})

it('delivers to another creator in the first tick while 990 listeners of one creator wait', () => {
  const { pubsub, deliveries, subscribe, runUntilIdle } = simulate(3)
  for (let index = 0; index < 990; index += 1) subscribe(`${index}:`, 'mallory')
  subscribe('ada', 'ada')
  pubsub.publish(uploadOf({ creator: 'mallory' }))
  pubsub.publish(uploadOf({ creator: 'ada' }))
  runUntilIdle()
  expect(deliveries.find(({ name }) => name === 'ada1')?.tick).toBe(deliveries[0]?.tick)
})

it('needs three callbacks for one change', () => {
  const { pubsub, deliveries, callbacks, subscribe, runUntilIdle } = simulate(3)
  subscribe('ada', 'ada')
  pubsub.publish(uploadOf({ creator: 'ada' }))
  runUntilIdle()
  expect(deliveries).toHaveLength(1)
  expect(callbacks()).toBe(3)
})

it('delivers nothing that waits when a listener stops', () => {
  const { pubsub, deliveries, subscribe, runUntilIdle } = simulate(3)
  const { stop } = subscribe('ada', 'ada')
  pubsub.publish(uploadOf({ creator: 'ada' }))
  stop()
  runUntilIdle()
  expect(deliveries).toEqual([])
})

it('reports a lost delivery once, after the changes before it', () => {
  const lost: (() => void)[] = []
  const { deliveries, subscribe, runUntilIdle } = simulate(1, {
    publish: () => undefined,
    subscribe(_topic, listener, onLost = () => undefined) {
      for (const version of [1, 2]) listener(uploadOf({ version }))
      lost.push(onLost)
      return { ready: Promise.resolve(), stop: () => undefined }
    },
  })
  const deliveredBefore: number[] = []
  subscribe('ada', 'ada', () => deliveredBefore.push(deliveries.length))
  for (const onLost of lost) onLost()
  runUntilIdle()
  expect(deliveredBefore).toEqual([2])
})

it('ends the delivery to a listener that changes of more than 1,000 uploads wait for', () => {
  const { pubsub, deliveries, subscribe, runUntilIdle } = simulate(1)
  let lost = 0
  subscribe('ada', 'ada', () => (lost += 1))
  for (let index = 0; index < 1002; index += 1)
    pubsub.publish(uploadOf({ creator: 'ada', uid: `${index}` }))
  expect(lost).toBe(1)
  runUntilIdle()
  expect(deliveries).toEqual([])
})
