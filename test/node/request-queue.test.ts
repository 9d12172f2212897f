import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type RequestQueue, createQueue } from '../../src/node/server/request-queue.ts'

describe('the queue', () => {
  it('retains no dequeued request while it is not empty', async () => {
    const queue = createQueue<object>()
    const dequeued = dequeueMost(queue)
    // A WeakRef keeps its target alive until the end of the tick that created it.
    await new Promise(setImmediate)
    collectGarbage()
    expect(dequeued.filter((reference) => reference.deref() !== undefined)).toEqual([])
    expect(queue.dequeue()).toEqual({ request: { count: 99 }, since: 99 })
  })
})

/** Enqueues 100 requests and dequeues all but the last. A separate function, so that no local variable retains them. */
function dequeueMost(queue: RequestQueue<object>): readonly WeakRef<object>[] {
  for (let count = 0; count < 100; count += 1) queue.enqueue({ count }, count)
  return Array.from({ length: 99 }, () => {
    const oldest = queue.dequeue()
    if (oldest === null) throw new Error('The queue is empty.')
    return new WeakRef(oldest.request)
  })
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  z.function({ input: [], output: z.unknown() }).parse(runInNewContext('gc'))()
  setFlagsFromString('--no-expose-gc')
}
