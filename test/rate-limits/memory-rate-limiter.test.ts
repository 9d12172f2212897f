/** Allowances within one process: the contract of every keeper, and what they cost. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createMemoryRateLimiter } from '../../src/rate-limits/memory-rate-limiter.ts'
import { describeRateLimiter } from '../contracts/rate-limiter.ts'
import { type SetClock, timed } from '../contracts/rate-limiter-suite.ts'
import { after } from '../kit/samples.ts'

describeRateLimiter('memory', async (now) => ({ allowances: createMemoryRateLimiter(now) }))

function createTimed() {
  const clock: SetClock = { ms: 0 }
  return timed(
    createMemoryRateLimiter(() => clock.ms),
    clock,
  )
}

test('are as quick with a large allowance as with a small one', async () => {
  const rateLimiter = createTimed()
  const within = [
    { limit: 1_000_000, windowMs: 300_000 },
    { limit: 500_000, windowMs: 60_000 },
  ]
  // Looking at each of the last minute's would take hours.
  for (let taken = 0; taken < 300_000; taken += 1) {
    const wait = await rateLimiter.take('stream', within, after(taken / 10_000))
    if (wait !== null) throw new Error('refused')
  }
  expect(await rateLimiter.taken('stream', 300_000, after(30))).toBe(300_000)
})

test.each([
  ['goes ahead', 3600],
  ['is set back', -3600],
])('keep nothing of a key whose span is over, where the clock %s', async (_name, secondsLater) => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = z
    .custom<() => void>((value) => typeof value === 'function')
    .parse(runInNewContext('gc'))
  const rateLimiter = createTimed()
  const within = [{ limit: 1, windowMs: 60_000 }]

  async function comeAndGo(second: number): Promise<number> {
    for (let n = 0; n < 20_000; n += 1) {
      const key = `a rather long name ${n} of second ${second}`
      await rateLimiter.take(key, within, after(second))
      await rateLimiter.hold(key, after(second + 1))
    }
    await rateLimiter.take('a sweep', within, after(second + 61))
    await rateLimiter.take('another sweep', within, after(second + 122))
    collectGarbage()
    return process.memoryUsage().heapUsed
  }

  const before = await comeAndGo(0)
  // What stays of 20,000 keys would be ten times this.
  expect((await comeAndGo(secondsLater)) - before).toBeLessThan(500_000)
})
