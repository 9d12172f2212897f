/** What the cases of the allowances' contract share: the keeper under test, and some allowances. */
import type { Allowance, Allowances } from '../../src/allowances/allowances.ts'
import { after } from '../kit/samples.ts'

export const MINUTE_MS = 60_000

export const oneAMinute: readonly Allowance[] = [{ most: 1, spanMs: MINUTE_MS }]
export const threeAMinute: readonly Allowance[] = [{ most: 3, spanMs: MINUTE_MS }]

/** As the budget of requests to Stream has them: two kinds of callers count under one key. */
export const urgent: readonly Allowance[] = [{ most: 10, spanMs: 5 * MINUTE_MS }]
export const patient: readonly Allowance[] = [
  { most: 8, spanMs: 5 * MINUTE_MS },
  { most: 3, spanMs: MINUTE_MS },
]

/** The keeper that the present test has opened. */
export interface Suite {
  readonly allowances: () => Allowances
  /** Takes so many one after the other at this second, and tells what came of each. */
  readonly takeAll: (
    key: string,
    within: readonly Allowance[],
    second: number,
    times: number,
  ) => Promise<readonly (number | null)[]>
}

export function suiteOf(allowances: () => Allowances): Suite {
  return {
    allowances,
    async takeAll(key, within, second, times) {
      const waits: (number | null)[] = []
      for (let time = 0; time < times; time += 1) {
        waits.push(await allowances().take(key, within, after(second)))
      }
      return waits
    },
  }
}
