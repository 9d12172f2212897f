/** Runs the UploadPubSub contract in one process, and tests that no memory is retained. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createMemoryPubSub } from '../../src/pubsub/memory-pubsub.ts'
import { describeUploadPubSub } from '../contracts/upload-pubsub.ts'
import { uploadOf } from '../kit/samples.ts'

describeUploadPubSub('memory', async () => ({
  pubsub: createMemoryPubSub(),
  delivered: async () => {},
}))

test('calls listeners before publish returns', () => {
  const pubsub = createMemoryPubSub()
  let received = 0
  pubsub.subscribe({ of: 'all' }, () => (received += 1))
  pubsub.publish(uploadOf())
  expect(received).toBe(1)
})

test('retains no memory of a topic without subscribers', () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = z
    .custom<() => void>((value) => typeof value === 'function')
    .parse(runInNewContext('gc'))
  const pubsub = createMemoryPubSub()

  function subscribeAndStop(from: number): number {
    for (let n = from; n < from + 50_000; n += 1) {
      const { stop } = pubsub.subscribe({ of: 'upload', uid: `a rather long name ${n}` }, () => {})
      pubsub.publish(uploadOf({ uid: `a rather long name ${n}` }))
      stop()
    }
    collectGarbage()
    return process.memoryUsage().heapUsed
  }

  const before = subscribeAndStop(0)
  // Retaining 50,000 topics would take ten times as much.
  expect(subscribeAndStop(50_000) - before).toBeLessThan(1_000_000)
})
