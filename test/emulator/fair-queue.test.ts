/** The order in which the jobs of creators start. */
import { setImmediate } from 'node:timers/promises'

import { expect, test } from 'vitest'

import { CreatorLimit } from '../../src/emulator/creator-limit.ts'
import { FairQueue } from '../../src/emulator/fair-queue.ts'

/** A queue of one job at a time. */
function startQueue() {
  const queue = new FairQueue(1, new CreatorLimit(1))
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
  const queue = new FairQueue(3, new CreatorLimit(2))
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

/** Queues whose limit of two jobs per creator is common, and the jobs that run in them. */
function startQueues() {
  const common = new CreatorLimit(2)
  const queues = {
    quick: new FairQueue(3, common),
    slow: new FairQueue(3, new CreatorLimit(1, common)),
  }
  const ends = new Map<string, () => void>()
  return {
    /** Requests a job in the name of `creator/number`. */
    request: (queue: keyof typeof queues, name: string, signal = new AbortController().signal) => {
      const [creator = ''] = name.split('/')
      const job = () => new Promise<void>((resolve) => void ends.set(name, resolve))
      return queues[queue].run(creator, signal, job)
    },
    running: (): string[] => [...ends.keys()],
    end: async (name: string): Promise<void> => {
      ends.get(name)?.()
      ends.delete(name)
      await setImmediate()
    },
  }
}

test('a creator has no more jobs in all queues together than in one', async () => {
  const { end, request, running } = startQueues()
  for (const name of ['a/1', 'a/2', 'b/1']) void request('slow', name)
  for (const name of ['a/3', 'a/4', 'b/2']) void request('quick', name)
  await setImmediate()
  expect(running()).toEqual(['a/1', 'b/1', 'a/3', 'b/2'])
  // The end of a job in one queue starts one in another.
  await end('a/1')
  expect(running()).toHaveLength(4)
  await end('a/3')
  expect(running().filter((name) => name.startsWith('a'))).toHaveLength(2)
  for (let jobs = 0; jobs < 4; jobs += 1) for (const name of running()) await end(name)
  expect(running()).toEqual([])
})

test('the jobs of a creator in one queue do not keep those in another waiting', async () => {
  const { end, request, running } = startQueues()
  for (const name of ['a/1', 'a/2', 'a/3', 'a/4']) void request('quick', name)
  void request('slow', 'a/5')
  await end('a/1')
  await end('a/2')
  expect(running()).toContain('a/5')
})

test('an aborted job leaves its place to one in another queue', async () => {
  const { end, request, running } = startQueues()
  const aborted = new AbortController()
  for (const name of ['a/1', 'a/2']) void request('quick', name)
  const waiting = request('slow', 'a/3', aborted.signal)
  void request('quick', 'a/4')
  aborted.abort()
  await expect(waiting).rejects.toThrow('aborted')
  await end('a/1')
  expect(running()).toEqual(['a/2', 'a/4'])
})
