/**
 * Limits the number of compiled fields. A short document can select thousands of fields with fragments,
 * and each occurrence is compiled separately, so a limit on the text is not sufficient.
 */
import { bailOut } from './bail-out.ts'

/** Maximum fields of one operation, in all its variants. Frontend operations have some dozens. */
const MAX_FIELDS_PER_OPERATION = 1000
/** Maximum fields of all operations, some tens of megabytes; above it the cache is cleared. */
const MAX_FIELDS_TOTAL = 20_000

/** Number of fields that may still be compiled for one operation. */
export interface FieldBudget {
  /** Reserves this many fields; bails out if the budget is exceeded. */
  consume(fields: number): void
}

export interface FieldBudgets {
  forOperation(): FieldBudget
  /** Whether the total is exceeded and the cache must be cleared. */
  isExhausted(): boolean
  /** Called after the cache was cleared. */
  reset(): void
}

export function createFieldBudgets(): FieldBudgets {
  let total = 0
  return {
    forOperation() {
      let remaining = MAX_FIELDS_PER_OPERATION
      return {
        consume(fields) {
          remaining -= fields
          if (remaining < 0) bailOut()
          total += fields
        },
      }
    },
    isExhausted: () => total > MAX_FIELDS_TOTAL,
    reset() {
      total = 0
    },
  }
}
