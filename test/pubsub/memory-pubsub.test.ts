/** Events within one process: the contract of every carrier, and that nothing is left behind. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createMemoryPubSub } from '../../src/pubsub/memory-pubsub.ts'
import { describeUploadEvents } from '../contracts/upload-pubsub.ts'
import { uploadOf } from '../kit/samples.ts'

describeUploadEvents('memory', async () => ({
  events: createMemoryPubSub(),
  delivered: async () => {},
}))

test('listeners are called before publishing is over', () => {
  const events = createMemoryPubSub()
  let heard = 0
  events.subscribe({ of: 'all' }, () => (heard += 1))
  events.publish(uploadOf())
  expect(heard).toBe(1)
})

test('a topic takes no memory once nobody listens to it', () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = z
    .custom<() => void>((value) => typeof value === 'function')
    .parse(runInNewContext('gc'))
  const events = createMemoryPubSub()

  function comeAndGo(from: number): number {
    for (let n = from; n < from + 50_000; n += 1) {
      const { stop } = events.subscribe({ of: 'upload', uid: `a rather long name ${n}` }, () => {})
      events.publish(uploadOf({ uid: `a rather long name ${n}` }))
      stop()
    }
    collectGarbage()
    return process.memoryUsage().heapUsed
  }

  const before = comeAndGo(0)
  // What stays of 50,000 topics would be ten times this.
  expect(comeAndGo(50_000) - before).toBeLessThan(1_000_000)
})
