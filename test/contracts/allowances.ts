/** What every keeper of allowances must promise, for one gateway or for many: one suite. */
import { afterEach, beforeEach, describe } from 'vitest'
import type { Allowances } from '../../src/allowances/allowances.ts'
import { describeHolds } from './allowances-holds.ts'
import { describeLaw } from './allowances-law.ts'
import { suiteOf } from './allowances-suite.ts'
import { describeTakes } from './allowances-takes.ts'

/** A keeper that is ready to be used, and of which nothing was taken. */
export interface OpenedAllowances {
  readonly allowances: Allowances
  close?(): Promise<void>
}

export function describeAllowances(name: string, open: () => Promise<OpenedAllowances>): void {
  describe(`${name} keeps the promises of Allowances`, () => {
    let opened: OpenedAllowances

    beforeEach(async () => {
      opened = await open()
    })
    afterEach(async () => {
      await opened.close?.()
    })

    const suite = suiteOf(() => opened.allowances)
    describeTakes(suite)
    describeHolds(suite)
    describeLaw(suite)
  })
}
