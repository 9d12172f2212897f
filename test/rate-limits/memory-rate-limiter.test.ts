/** Runs the RateLimiter contract in one process, and tests its cost. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createMemoryRateLimiter } from '../../src/rate-limits/memory-rate-limiter.ts'
import { describeRateLimiter } from '../contracts/rate-limiter.ts'
import { type SetClock, timed } from '../contracts/rate-limiter-suite.ts'
import { after } from '../kit/samples.ts'

describeRateLimiter('memory', async (now) => ({ rateLimiter: createMemoryRateLimiter(now) }))

function createTimedRateLimiter() {
  const clock: SetClock = { ms: 0 }
  return timed(
    createMemoryRateLimiter(() => clock.ms),
    clock,
  )
}

test('has a cost independent of the limit', async () => {
  const rateLimiter = createTimedRateLimiter()
  const windows = [
    { limit: 1_000_000, windowMs: 300_000 },
    { limit: 500_000, windowMs: 60_000 },
  ]
  // Inspecting each unit of the last minute would take hours.
  for (let count = 0; count < 300_000; count += 1) {
    const wait = await rateLimiter.consume('stream', windows, after(count / 10_000))
    if (wait !== null) throw new Error('rejected')
  }
  expect(await rateLimiter.countConsumed('stream', 300_000, after(30))).toBe(300_000)
})

test.each([
  ['goes ahead', 3600],
  ['is set back', -3600],
])(
  'retains nothing of a key whose window has passed, when the clock %s',
  async (_name, secondsLater) => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = z
      .custom<() => void>((value) => typeof value === 'function')
      .parse(runInNewContext('gc'))
    const rateLimiter = createTimedRateLimiter()
    const windows = [{ limit: 1, windowMs: 60_000 }]

    async function consumeKeys(second: number): Promise<number> {
      for (let n = 0; n < 20_000; n += 1) {
        const key = `a rather long name ${n} of second ${second}`
        await rateLimiter.consume(key, windows, after(second))
        await rateLimiter.block(key, after(second + 1))
      }
      await rateLimiter.consume('a sweep', windows, after(second + 61))
      await rateLimiter.consume('another sweep', windows, after(second + 122))
      collectGarbage()
      return process.memoryUsage().heapUsed
    }

    const before = await consumeKeys(0)
    // Retaining 20,000 keys would take ten times as much.
    expect((await consumeKeys(secondsLater)) - before).toBeLessThan(500_000)
  },
)
