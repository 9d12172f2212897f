/** What every keeper of allowances must promise, for one gateway or for many: one suite. */
import { afterEach, beforeEach, describe } from 'vitest'
import type { Allowances } from '../../src/uploads/ports/rate-limiter.ts'
import { CREATED_AT } from '../kit/samples.ts'
import { describeHolds } from './rate-limiter-block.ts'
import { describeLaw } from './rate-limiter-properties.ts'
import { type SetClock, type TimedAllowances, suiteOf, timed } from './rate-limiter-suite.ts'
import { describeTakes } from './rate-limiter-consume.ts'

/** A keeper that is ready to be used, and of which nothing was taken. */
export interface OpenedAllowances {
  readonly allowances: Allowances
  close?(): Promise<void>
}

/** @param open with the clock, in milliseconds since 1970, that the adapter is to go by */
export function describeAllowances(
  name: string,
  open: (now: () => number) => Promise<OpenedAllowances>,
): void {
  describe(`${name} keeps the promises of Allowances`, () => {
    let opened: OpenedAllowances
    let allowances: TimedAllowances

    beforeEach(async () => {
      const clock: SetClock = { ms: CREATED_AT.getTime() }
      opened = await open(() => clock.ms)
      allowances = timed(opened.allowances, clock)
    })
    afterEach(async () => {
      await opened.close?.()
    })

    const suite = suiteOf(() => allowances)
    describeTakes(suite)
    describeHolds(suite)
    describeLaw(suite)
  })
}
