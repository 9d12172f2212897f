/** A queue that returns one item of each key in turn. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type FairQueue, createFairQueue } from '../../src/node/server/fair-queue.ts'

interface Item {
  readonly key: string | null
  readonly index: number
}

function drain(queue: FairQueue<Item>): readonly Item[] {
  const items: Item[] = []
  for (let item = queue.dequeue(); item !== null; item = queue.dequeue()) items.push(item)
  return items
}

describe('the queue', () => {
  it('returns one item of each key in turn', () => {
    const queue = createFairQueue<string>()
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.enqueue(item.charAt(0), item)
    const order = Array.from({ length: 4 }, () => queue.dequeue())
    queue.enqueue('d', 'd1')
    expect([...order, ...Array.from({ length: 4 }, () => queue.dequeue())]).toEqual([
      'a1',
      'b1',
      'c1',
      'a2',
      'c2',
      'a3',
      'd1',
      null,
    ])
  })

  it('loses nothing, keeps the order of each key, and dequeues no more than `aheadOf` before an item', () => {
    const keys = fc.constantFrom('a', 'b', 'c', null)
    fc.assert(
      fc.property(fc.array(keys, { maxLength: 60 }), fc.nat(60), keys, (before, removed, key) => {
        const queue = createFairQueue<Item>()
        for (const [index, of] of before.entries()) queue.enqueue(of, { key: of, index })
        const first = Array.from({ length: removed }, () => queue.dequeue())
        const ahead = queue.aheadOf(key)
        const added = { key, index: before.length }
        queue.enqueue(key, added)
        expect(queue.length()).toBe(Math.max(0, before.length - removed) + 1)
        const rest = drain(queue)
        expect(rest.indexOf(added)).toBeLessThanOrEqual(ahead)
        const all = [...first.filter((item) => item !== null), ...rest]
        expect(all.map(({ index }) => index).toSorted((a, b) => a - b)).toEqual([
          ...before.keys(),
          before.length,
        ])
        for (const of of new Set(before)) {
          const indexes = all.flatMap((item) => (item.key === of ? [item.index] : []))
          expect(indexes).toEqual(indexes.toSorted((a, b) => a - b))
        }
        expect([queue.length(), queue.aheadOf(key)]).toEqual([0, 0])
      }),
    )
  })

  it('retains no dequeued item while it is not empty', async () => {
    const queue = createFairQueue<object>()
    const dequeued = dequeueMost(queue)
    // A WeakRef keeps its target alive until the end of the tick that created it.
    await new Promise(setImmediate)
    collectGarbage()
    expect(dequeued.filter((reference) => reference.deref() !== undefined)).toEqual([])
    expect(queue.dequeue()).toEqual({ count: 99 })
  })
})

/** Enqueues 100 items and dequeues all but the last. A separate function, so that no local variable retains them. */
function dequeueMost(queue: FairQueue<object>): readonly WeakRef<object>[] {
  for (let count = 0; count < 100; count += 1) queue.enqueue(null, { count })
  return Array.from({ length: 99 }, () => {
    const oldest = queue.dequeue()
    if (oldest === null) throw new Error('The queue is empty.')
    return new WeakRef(oldest)
  })
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  z.function({ input: [], output: z.unknown() }).parse(runInNewContext('gc'))()
  setFlagsFromString('--no-expose-gc')
}
