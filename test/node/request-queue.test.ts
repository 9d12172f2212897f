import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type RequestQueue, createQueue } from '../../src/node/server/request-queue.ts'

describe('the queue', () => {
  it('keeps nothing of what was taken, though it is never empty', async () => {
    const queue = createQueue<object>()
    const taken = takeMost(queue)
    // What a WeakRef was asked for stays until the turn is over.
    await new Promise(setImmediate)
    collectGarbage()
    expect(taken.filter((one) => one.deref() !== undefined)).toEqual([])
    expect(queue.dequeue()).toEqual({ request: { count: 99 }, since: 99 })
  })
})

/** Puts a hundred in, and takes all but the last: in a function of its own, which holds none of them. */
function takeMost(queue: RequestQueue<object>): readonly WeakRef<object>[] {
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
