/** RateLimiter contract, for adapters of one gateway or of many. */
import { afterEach, beforeEach, describe } from 'vitest'
import type { RateLimiter } from '../../src/uploads/ports/rate-limiter.ts'
import { CREATED_AT } from '../kit/samples.ts'
import { describeBlock } from './rate-limiter-block.ts'
import { describeProperties } from './rate-limiter-properties.ts'
import { type SetClock, type TimedRateLimiter, suiteOf, timed } from './rate-limiter-suite.ts'
import { describeConsume } from './rate-limiter-consume.ts'

/** An adapter that is ready to be used, without consumed units. */
export interface OpenedRateLimiter {
  readonly rateLimiter: RateLimiter
  close?(): Promise<void>
}

/** @param open receives the adapter's clock, in milliseconds since 1970 */
export function describeRateLimiter(
  name: string,
  open: (now: () => number) => Promise<OpenedRateLimiter>,
): void {
  describe(`${name} fulfills the RateLimiter contract`, () => {
    let opened: OpenedRateLimiter
    let rateLimiter: TimedRateLimiter

    beforeEach(async () => {
      const clock: SetClock = { ms: CREATED_AT.getTime() }
      opened = await open(() => clock.ms)
      rateLimiter = timed(opened.rateLimiter, clock)
    })
    afterEach(async () => {
      await opened.close?.()
    })

    const suite = suiteOf(() => rateLimiter)
    describeConsume(suite)
    describeBlock(suite)
    describeProperties(suite)
  })
}
