/** What every keeper of allowances must promise, for one gateway or for many: one suite. */
import { afterEach, beforeEach, describe } from 'vitest'
import type { RateLimiter } from '../../src/uploads/ports/rate-limiter.ts'
import { CREATED_AT } from '../kit/samples.ts'
import { describeHolds } from './rate-limiter-block.ts'
import { describeLaw } from './rate-limiter-properties.ts'
import { type SetClock, type TimedRateLimiter, suiteOf, timed } from './rate-limiter-suite.ts'
import { describeTakes } from './rate-limiter-consume.ts'

/** A keeper that is ready to be used, and of which nothing was taken. */
export interface OpenedRateLimiter {
  readonly allowances: RateLimiter
  close?(): Promise<void>
}

/** @param open with the clock, in milliseconds since 1970, that the adapter is to go by */
export function describeRateLimiter(
  name: string,
  open: (now: () => number) => Promise<OpenedRateLimiter>,
): void {
  describe(`${name} keeps the promises of Allowances`, () => {
    let opened: OpenedRateLimiter
    let rateLimiter: TimedRateLimiter

    beforeEach(async () => {
      const clock: SetClock = { ms: CREATED_AT.getTime() }
      opened = await open(() => clock.ms)
      rateLimiter = timed(opened.allowances, clock)
    })
    afterEach(async () => {
      await opened.close?.()
    })

    const suite = suiteOf(() => rateLimiter)
    describeTakes(suite)
    describeHolds(suite)
    describeLaw(suite)
  })
}
