/** The order in which the jobs of creators start. */
import { setImmediate } from 'node:timers/promises'

import { expect, test } from 'vitest'

import { FairQueue } from '../../src/emulator/fair-queue.ts'

/** A queue of one job at a time. */
function startQueue() {
  const queue = new FairQueue(1, 1)
  const { signal } = new AbortController()
  const order: string[] = []
  let finish: (() => void) | null = null
  return {
    /** Creators in the order in which their jobs have started. */
    order,
    request: (creator: string): void => {
      const job = () => {
        order.push(creator)
        return new Promise<void>((resolve) => {
          finish = resolve
        })
      }
      void queue.run(creator, signal, job)
    },
    /** Ends the job that runs. */
    end: async (): Promise<void> => {
      finish?.()
      await setImmediate()
    },
  }
}

test('a creator without a turn is before those that wait for another one', async () => {
  const { end, order, request } = startQueue()
  for (const creator of ['a', 'a', 'a', 'b']) request(creator)
  await end()
  request('c')
  for (let jobs = 2; jobs <= 5; jobs += 1) await end()
  expect(order).toEqual(['a', 'b', 'c', 'a', 'a'])
})

test('a creator who requests one job after the other does not keep another waiting', async () => {
  const { end, order, request } = startQueue()
  for (const creator of ['a', 'b']) request(creator)
  for (let jobs = 0; jobs < 10; jobs += 1) {
    request('a')
    await end()
  }
  expect(order.slice(0, 4)).toContain('b')
})

test('a creator whose jobs take long leaves a place for another one', async () => {
  const queue = new FairQueue(3, 2)
  const { signal } = new AbortController()
  const running: string[] = []
  const ends: (() => void)[] = []
  const request = (creator: string): void => {
    void queue.run(creator, signal, () => {
      running.push(creator)
      return new Promise<void>((resolve) => void ends.push(resolve))
    })
  }
  for (const creator of ['a', 'a', 'a', 'a', 'b', 'b']) request(creator)
  await setImmediate()
  expect(running).toEqual(['a', 'a', 'b'])
  ends[2]?.()
  await setImmediate()
  expect(running).toEqual(['a', 'a', 'b', 'b'])
  ends[3]?.()
  await setImmediate()
  expect(running).toHaveLength(4)
  ends[0]?.()
  await setImmediate()
  expect(running).toEqual(['a', 'a', 'b', 'b', 'a'])
})
