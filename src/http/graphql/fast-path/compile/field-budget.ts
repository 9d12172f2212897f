/**
 * How much is compiled. A few characters of fragments name the same fields in thousands of places, and
 * each place is compiled by itself: so what is remembered is bounded by fields, and not by text.
 */
import { giveUp } from './bail-out.ts'

/** Fields of one operation, in all of its variants: frontends' have some dozens. */
const MOST_OF_ONE = 1000
/** Fields of all operations together, some tens of megabytes; beyond that all are forgotten. */
const MOST_OF_ALL = 20_000

/** What may still be compiled of one operation. */
export interface FieldBudget {
  /** Gives up where there is no room for so many more. */
  take(fields: number): void
}

export interface FieldBudgets {
  ofOne(): FieldBudget
  /** Whether so much is compiled that it is time to forget. */
  isSpent(): boolean
  /** Everything was forgotten. */
  renew(): void
}

export function createFieldBudgets(): FieldBudgets {
  let all = 0
  return {
    ofOne() {
      let left = MOST_OF_ONE
      return {
        take(fields) {
          left -= fields
          if (left < 0) giveUp()
          all += fields
        },
      }
    },
    isSpent: () => all > MOST_OF_ALL,
    renew() {
      all = 0
    },
  }
}
